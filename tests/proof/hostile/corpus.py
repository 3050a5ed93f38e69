"""Files that mean harm, files that were harmed, and the clean ones they are made of."""

from __future__ import annotations

import io
import random
import runpy
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path, PurePath
from stat import S_IFLNK

import openpyxl
from PIL import Image

from tests.knowledge.reading import manifold, pdf, zipped

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
# A page of these takes seconds: they get one turn in twenty.
SLOW = {".jpg", ".jpeg", ".png", ".heic", ".bmp", ".doc", ".ppt"}
SLOW_TURN = 20
LARGEST_SOURCE = 300_000
WORDS = "Honey bees dance to tell their sisters where the flowers are."
CLEAN = f"# Clean\n\n{WORDS}\n".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    name: str
    data: bytes


def specimens(mutations: int, seed: int, url: str, token: str, *, with_data: bool) -> Iterator[Specimen]:
    """Our own, with `with_data` those of the data folder and of its make.py, and the mutations. `url` is where none of
    them may call, `token` a part of the names that none of them may leave anywhere."""
    yield from (Specimen(name=name, data=data) for name, data in hostile(url, token).items())
    sources = [Specimen(name=name, data=data) for name, data in clean().items()]
    if with_data:
        yield from _kept(DATA / "hostile")
        made = runpy.run_path(str(DATA / "hostile" / "make.py"))["files"]()
        yield from (Specimen(name=name, data=data) for name, data in made.items())
        sources = [one for one in _kept(DATA / "documents") if len(one.data) < LARGEST_SOURCE]
    yield from islice(mutants(sources, random.Random(seed)), mutations)


def _kept(folder: Path) -> Iterator[Specimen]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "make.py":
            yield Specimen(name=path.name, data=path.read_bytes())


def honest(sentences: int) -> Iterator[Specimen]:
    """One of each kind that is quick to read, and a book."""
    yield from (Specimen(name=name, data=data) for name, data in clean().items())
    yield Specimen(
        name="book.txt", data="\n\n".join(f"{number}. {WORDS}" for number in range(sentences)).encode()
    )


def mutants(sources: Sequence[Specimen], rng: random.Random) -> Iterator[Specimen]:
    """All kinds alike, however many files there are of each, but for those that are slow to read."""
    kinds: dict[str, list[Specimen]] = defaultdict(list)
    for source in sources:
        kinds[PurePath(source.name).suffix.lower()].append(source)
    quick, slow = sorted(kinds.keys() - SLOW), sorted(kinds.keys() & SLOW)
    for number in count():
        turn = slow if slow and number % SLOW_TURN == 0 else quick
        source = rng.choice(kinds[rng.choice(turn)])
        harm = rng.choice([flip, cut, splice])
        data = harm(source.data, rng.choice(sources).data, rng)
        yield Specimen(name=f"{number}-{harm.__name__}-{source.name}", data=data)


def flip(data: bytes, _other: bytes, rng: random.Random) -> bytes:
    """Some bits turned, few or many."""
    flipped = bytearray(data)
    for _ in range(rng.choice([1, 8, 64, 512]) if data else 0):
        flipped[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def cut(data: bytes, _other: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def splice(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """One's beginning, another's end."""
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def clean() -> dict[str, bytes]:
    """One of each kind that is quick to read."""
    return {
        "a.txt": WORDS.encode() * 20,
        "a.md": CLEAN * 20,
        "a.html": f"<html><h1>Bees</h1><table><tr><td>{WORDS}</td></tr></table><p>{WORDS}</p></html>".encode(),
        "a.rst": f"Bees\n====\n\n.. note:: {WORDS}\n\n* one\n* two\n".encode(),
        "a.csv": b"name,legs\n" + b"bee,6\n" * 50,
        "a.tsv": b"name\tlegs\n" + b"bee\t6\n" * 50,
        "a.json": b'{"bees": [' + b'{"name": "one", "legs": 6},' * 20 + b"null]}",
        "a.ndjson": b'{"name": "one", "legs": 6}\n' * 20,
        "a.ipynb": b'{"cells": [{"cell_type": "markdown", "metadata": {}, "source": ["# Bees"]}], "nbformat": 4, '
        b'"nbformat_minor": 5, "metadata": {}}',
        "a.xml": f"<bees><bee><name>One</name><note>{WORDS}</note></bee></bees>".encode(),
        "a.eml": _mail("bees.txt"),
        "a.pdf": pdf(b"BT /F 12 Tf 50 350 Td (" + WORDS.encode() + b") Tj ET"),
        "a.rtf": rb"{\rtf1\ansi{\fonttbl\f0 Times;}\f0 " + WORDS.encode() + rb"\par}",
        "a.zip": zipped({"a.md": CLEAN, "folder/b.txt": WORDS.encode()}),
        "a.xlsx": _workbook(),
    }


def hostile(url: str, token: str) -> dict[str, bytes]:
    """They attack a reader's memory, time, stack, network, file access and trust in names."""
    return _greedy() | _calling(url) | _climbing(token) | _broken()


def _greedy() -> dict[str, bytes]:
    laughs = '<!ENTITY l0 "lol">' + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return {
        "laughs.xml": f'<?xml version="1.0"?><!DOCTYPE d [{laughs}]><d>&l9;</d>'.encode(),
        "deep.html": b"<div>" * 100_000 + b"text",
        "deep.json": b"[" * 100_000 + b"]" * 100_000,
        "deep.eml": b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(2_000)
        ),
        "bomb.zip": zipped({"zeros.txt": bytes(30_000_000)}),
        "many.zip": zipped({f"{number}.txt": b"" for number in range(10_001)}),
        "nested.zip": _nested(6),
        "pages.pdf": manifold(1_000_000, b"BT ET"),
        "pixels.png": _picture(12_000),
        "words.txt": b"word " * 6_000_000,
        "cells.csv": b"a," * 12_000_000,
    }


def _calling(url: str) -> dict[str, bytes]:
    """They ask their reader to fetch something."""
    entity = f'<!DOCTYPE d SYSTEM "{url}dtd" [<!ENTITY x SYSTEM "{url}entity">]>'
    return {
        "remote.md": f"# Bees\n\n![x]({url}md)\n\n<img src='{url}md2'>\n".encode(),
        "remote.html": f'<base href="{url}"><link rel=stylesheet href=css><img src=i><iframe src=f></iframe>x'.encode(),
        "remote.xml": f'<?xml version="1.0"?>{entity}<d>words &x;</d>'.encode(),
        "remote.svg": f'<svg xmlns:x="http://www.w3.org/1999/xlink"><image x:href="{url}svg"/><text>x</text></svg>'.encode(),
        "remote.rst": f".. include:: {url}rst\n\n.. csv-table::\n   :url: {url}csv\n\nText.\n".encode(),
        "remote.org": f'#+INCLUDE: "{url}org"\n\n[[{url}image.png]]\n\nText.\n'.encode(),
        "remote.rtf": rb"{\rtf1 {\field{\*\fldinst INCLUDEPICTURE "
        + f'"{url}rtf"'.encode()
        + rb"}} words\par}",
        "remote.pdf": pdf(b"BT ET", page=f"/AA<</O<</S/URI/URI({url}pdf)>>>>".encode()),
    }


def _climbing(token: str) -> dict[str, bytes]:
    """They name places outside of their folder."""
    names = (
        f"../../../../../../tmp/{token}",
        f"/tmp/{token}",
        f"..\\..\\{token}",
        f"C:\\{token}",
        f"a/../../{token}",
    )
    return {
        "slip.zip": zipped(dict.fromkeys(names, b"words")),
        "link.zip": _link("/etc/passwd"),
        "climbing.eml": _mail(f"../../../../../../tmp/{token}"),
        "include.rst": b".. include:: /etc/passwd\n\n.. raw:: html\n   :file: /etc/passwd\n\nText.\n",
        "entity.xml": b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>words &x;</d>',
        f"..\\..\\{token}.txt": WORDS.encode(),
        "bidi_\u202efdp.txt": WORDS.encode(),
        "rude'\"; drop table documents;--.txt": WORDS.encode(),
        "x" * 240 + ".txt": WORDS.encode(),
    }


def _broken() -> dict[str, bytes]:
    rng = random.Random(7)
    endings = ("pdf", "docx", "xlsx", "html", "eml", "msg", "png", "csv", "json")
    return {
        **{f"random.{ending}": rng.randbytes(20_000) for ending in endings},
        "head.pdf": b"%PDF-1.7\n",
        "head.zip": b"PK\x03\x04",
        "head.doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "head.rtf": b"{\\rtf",
        "empty.pdf": b"",
        "nul.txt": bytes(1_000_000),
        "polyglot.pdf": pdf(b"") + zipped({"evil.html": b"<script>1</script>"}),
    }


def _mail(attached: str) -> bytes:
    return (
        "From: a@example.org\nTo: b@example.org\nSubject: Bees\nMIME-Version: 1.0\nContent-Type: multipart/mixed; "
        f'boundary="b"\n\n--b\nContent-Type: text/plain\n\n{WORDS}\n--b\nContent-Type: text/plain\n'
        f'Content-Disposition: attachment; filename="{attached}"\n\nwords\n--b--\n'
    ).encode()


def _workbook() -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for number in range(50):
        book.active.append([number, WORDS])
    book.save(out)
    return out.getvalue()


def _nested(depth: int) -> bytes:
    data = zipped({"a.txt": WORDS.encode()})
    for level in range(depth):
        data = zipped({f"{level}.zip": data})
    return data


def _link(target: str) -> bytes:
    out, entry = io.BytesIO(), zipfile.ZipInfo("link.txt")
    entry.create_system, entry.external_attr = 3, (S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(entry, target)
    return out.getvalue()


def _picture(side: int) -> bytes:
    out = io.BytesIO()
    Image.new("1", (side, side)).save(out, "PNG")
    return out.getvalue()
