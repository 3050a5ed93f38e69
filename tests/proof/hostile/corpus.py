"""Hostile files, mutated files, and the benign files that are mutated."""

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

from tests.engines.reading import pdf, repeated_page_pdf, zipped
from tests.environment import SHARED

DATA = SHARED / "data"
# A page of these takes seconds: only each twentieth mutant is one of them.
SLOW_SUFFIXES = {".jpg", ".jpeg", ".png", ".heic", ".bmp", ".doc", ".ppt"}
SLOW_INTERVAL = 20
MAX_SOURCE_BYTES = 300_000
WORDS = "Honey bees dance to tell their sisters where the flowers are."
CLEAN = f"# Clean\n\n{WORDS}\n".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    name: str
    data: bytes


def specimens(mutations: int, seed: int, url: str, token: str, *, with_data: bool) -> Iterator[Specimen]:
    """Yield generated files, with `with_data` those of the data folder and of its make.py, and mutants. They refer to `url`,
    which must not be requested, and `token` is part of the names that they try to write outside of their folder."""
    yield from (Specimen(name=name, data=data) for name, data in hostile(url, token).items())
    sources = [Specimen(name=name, data=data) for name, data in clean().items()]
    if with_data:
        yield from _files_in(DATA / "hostile")
        generated = runpy.run_path(str(DATA / "hostile" / "make.py"))["files"]()
        yield from (Specimen(name=name, data=data) for name, data in generated.items())
        sources = [one for one in _files_in(DATA / "documents") if len(one.data) < MAX_SOURCE_BYTES]
    yield from islice(mutants(sources, random.Random(seed)), mutations)


def _files_in(folder: Path) -> Iterator[Specimen]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "make.py":
            yield Specimen(name=path.name, data=path.read_bytes())


def benign(sentences: int) -> Iterator[Specimen]:
    """Yield one file of each quick format, and a long one."""
    yield from (Specimen(name=name, data=data) for name, data in clean().items())
    yield Specimen(
        name="book.txt", data="\n\n".join(f"{number}. {WORDS}" for number in range(sentences)).encode()
    )


def mutants(sources: Sequence[Specimen], rng: random.Random) -> Iterator[Specimen]:
    """Yield mutants endlessly: the same share of each suffix, however many files have it, except for slow ones."""
    by_suffix: dict[str, list[Specimen]] = defaultdict(list)
    for source in sources:
        by_suffix[PurePath(source.name).suffix.lower()].append(source)
    quick, slow = sorted(by_suffix.keys() - SLOW_SUFFIXES), sorted(by_suffix.keys() & SLOW_SUFFIXES)
    for number in count():
        suffixes = slow if slow and number % SLOW_INTERVAL == 0 else quick
        source = rng.choice(by_suffix[rng.choice(suffixes)])
        mutate = rng.choice([flip_bits, truncate, splice])
        data = mutate(source.data, rng.choice(sources).data, rng)
        yield Specimen(name=f"{number}-{mutate.__name__}-{source.name}", data=data)


def flip_bits(data: bytes, _other: bytes, rng: random.Random) -> bytes:
    """Flip a few or many bits."""
    flipped = bytearray(data)
    for _ in range(rng.choice([1, 8, 64, 512]) if data else 0):
        flipped[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def truncate(data: bytes, _other: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def splice(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Join the beginning of one file and the end of another."""
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def clean() -> dict[str, bytes]:
    """Return one file of each quick format."""
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
    """Return files that attack a parser's memory, time, stack, network, file access and trust in names."""
    return _exhausting() | _fetching(url) | _traversing(token) | _malformed()


def _exhausting() -> dict[str, bytes]:
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
        "pages.pdf": repeated_page_pdf(1_000_000, b"BT ET"),
        "pixels.png": _blank_image(12_000),
        "words.txt": b"word " * 6_000_000,
        "cells.csv": b"a," * 12_000_000,
    }


def _fetching(url: str) -> dict[str, bytes]:
    """Return files that name remote resources (SSRF)."""
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


def _traversing(token: str) -> dict[str, bytes]:
    """Return files that name paths outside of their folder (path traversal)."""
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


def _malformed() -> dict[str, bytes]:
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


def _blank_image(side: int) -> bytes:
    out = io.BytesIO()
    Image.new("1", (side, side)).save(out, "PNG")
    return out.getvalue()
