"""Reads files through the sandboxed parser, as a worker does, and measures what came out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from uuid import uuid4

from engines.parsing import ParsedDocument, ParseError, Parser
from tests.proof.hostile.watch import watch_process
from tests.proof.reading.collections import Sample
from tests.proof.reading.judgement import Reading, faults
from tests.proof.reading.measures import Measured, Share, line, measure, words, words_by_page
from tests.proof.reading.reference import Reference

WATCH_SECONDS = 0.05
NOTHING = ParsedDocument(mime_type="")
MIN_LENGTH = 25  # characters
MIN_KNOWN_WORDS = 0.5  # a chunk with a smaller part of words of the reference is junk


class Result(NamedTuple):
    """`faults` are empty if all is right; `cited` are chunks that name their page; `junk` those without meaning."""

    sample: Sample
    reading: Reading
    measured: Measured
    faults: list[str]
    cited: Share
    junk: Share
    seconds: float
    megabytes: int


def read_all(parser: Parser, samples: Iterable[Sample]) -> Iterator[Result]:
    """Files of a format come one after another, as a folder's most often do: a parser process reads one family of them."""
    for sample in sorted(samples, key=lambda sample: sample.format):
        started = time.perf_counter()
        with watch_process(os.getpid(), WATCH_SECONDS) as observed:
            reading = read(parser, sample.path, sample.name)
        seconds, reference = time.perf_counter() - started, sample.reference
        yield Result(
            sample=sample,
            reading=reading,
            measured=measure(reading.document, reference),
            faults=list(faults(reading, reference)),
            cited=cited(reading, reference),
            junk=junk(reading, reference),
            seconds=seconds,
            megabytes=observed.parser_mb,
        )


def read(parser: Parser, path: Path, name: str) -> Reading:
    """Read a file, and those inside of it, each in its turn."""
    with TemporaryDirectory() as folder:
        try:
            document = parser.parse(uuid4(), path, filename=name, workdir=Path(folder))
        except ParseError as error:
            return Reading(NOTHING, {}, error.code)
        members = {}
        for member in document.members:
            inside = read(parser, member.path, member.name)
            members[member.name] = inside.error or inside.text
            members |= inside.members
    return Reading(document, members)


def cited(reading: Reading, reference: Reference) -> Share:
    """Count the chunks whose pages are those of what the reference says in them. Short texts, and those that stand on
    several pages, show nothing."""
    placed = [(said.page, line(words(said.text))) for said in reference.elements if said.page]
    read = words_by_page(reading.document.elements).values()
    clear = [
        (page, text)
        for page, text in placed
        if len(text) >= MIN_LENGTH and sum(text in one for one in read) == 1
    ]
    share = Share()
    for one in reading.chunked.chunks:
        text = line(words(one.text))
        if pages := {page for page, its in clear if its in text}:
            share += Share(all((one.page or 0) <= page <= (one.last_page or 0) for page in pages), 1)
    return share


def junk(reading: Reading, reference: Reference) -> Share:
    known = {*words(reference.text), *words("\n".join(reference.optional))}
    total = count = 0
    for one in reading.chunked.chunks:
        found = words(one.text)
        total += 1
        count += sum(word in known for word in found) < MIN_KNOWN_WORDS * len(found)
    return Share(count, total)
