"""Whether a file of ours was read right: word for word, each thing at its place and nothing else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from engines.embedding import tokens
from engines.parsing import ElementKind, ParsedDocument
from knowledge.pipeline.chunking import ChunkedDocument, chunk, embedding_input
from tests.proof.reading import measures
from tests.proof.reading.measures import words
from tests.proof.reading.reference import Reference, Said, pair

PATH = " > "
LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+")
ANY = "*"  # a member of any name


@dataclass(frozen=True)
class Reading:
    """What became of a file: its `document`, or the code of its `error`; and {name: text or error} of the files inside."""

    document: ParsedDocument
    members: dict[str, str]
    error: str = ""

    @property
    def text(self) -> str:
        return "\n\n".join(element.text.strip() for element in self.document.elements)

    @cached_property
    def chunked(self) -> ChunkedDocument:
        return chunk(
            self.document.elements,
            counter=tokens,
            max_tokens=tokens.MAX_TOKENS,
            page_kind=self.document.page_kind,
        )


def squeezed(text: str) -> str:
    """White space counts as one space, and 10⁹ is the same as 10^9."""
    marked = RAISED.sub(lambda raised: "^" + raised[0].translate(LOWERED), text)
    return " ".join(unicodedata.normalize("NFC", marked).split())


def faults(reading: Reading, reference: Reference) -> Iterator[str]:
    """Yield what is wrong, in words."""
    if reading.error or reference.error:
        if reading.error not in reference.error + reference.may_refuse:
            yield f"error {reading.error or 'none'}, not {reference.error or 'none'}"
        return
    yield from _text_faults(reading.text, reference)
    yield from _place_faults(reading.document, reference)
    yield from _member_faults(reading, reference)
    yield from _chunk_faults(reading, reference)


def _text_faults(text: str, reference: Reference) -> Iterator[str]:
    plain, position = squeezed(text), 0
    for said in reference.elements:
        if said.kind is ElementKind.CODE and said.text not in text:
            yield f"not as it stands: {said.text!r}"
        at = max((plain.find(start, position) for start in _starts(said)), default=position)
        if at < 0:
            missing = all(start not in plain for start in _starts(said))
            yield f"{'missing' if missing else 'out of order'}: {said.text!r}"
        position = max(at, position)
    yield from (f"read: {absent!r}" for absent in reference.absent if squeezed(absent) in plain)


def _starts(said: Said) -> list[str]:
    """The texts of which one shows where an element begins: of a table only a cell, and nothing of a formula, whose signs
    can be written in several ways."""
    if said.kind is ElementKind.TABLE:
        return [cell.strip() for cell in said.text.replace("\n", "|").split("|") if cell.strip()][:1]
    return [] if said.kind is ElementKind.FORMULA else [squeezed(said.text)]


def _place_faults(document: ParsedDocument, reference: Reference) -> Iterator[str]:
    found = measures.measure(document, reference)
    shares = {"pages": found.pages, "titles": found.titles, "cells": found.cells}
    for what, share in shares.items():
        if share.right < share.total:
            yield f"{share.right} of {share.total} {what} right"
    false = found.true_titles.total - found.true_titles.right
    if false:
        yield f"{false} titles are none: {list(measures.titles(document.elements))}"
    read = {word for element in document.elements for word in words(element.text)}
    for said in reference.elements:
        if said.kind is ElementKind.FORMULA and (lost := set(words(said.text)) - read):
            yield f"missing in a formula: {sorted(lost)}"
    codes = {warning.code for warning in document.warnings}
    yield from (f"no warning {code}: {sorted(codes)}" for code in reference.warning if code not in codes)


def _member_faults(reading: Reading, reference: Reference) -> Iterator[str]:
    for wanted in reference.member:
        name, said = pair(wanted)
        found = [
            text for path, text in reading.members.items() if name in (ANY, path, path.rpartition("/")[2])
        ]
        if not found:
            yield f"no member {name!r}: {sorted(reading.members)}"
        elif not any(squeezed(said) in squeezed(text) for text in found):
            yield f"member {name!r} does not say {said!r}: {found}"


def _chunk_faults(reading: Reading, reference: Reference) -> Iterator[str]:
    chunks = reading.chunked.chunks
    inputs = [squeezed(embedding_input(one)) for one in chunks]
    for wanted in reference.together:
        sides = [squeezed(side) for side in pair(wanted)]
        if not any(all(side in text for side in sides) for text in inputs):
            yield f"in no chunk together: {wanted!r}"
    for wanted in reference.cited:
        said, path = pair(wanted)
        paths = [PATH.join(one.heading_path) for one in chunks if squeezed(said) in squeezed(one.text)]
        if not any(cited.endswith(path) for cited in paths):
            yield f"{said!r} is cited under {paths}, not {path!r}"
    if reference.chunks and len(chunks) > int(reference.chunks[0]):
        yield f"{len(chunks)} chunks, not {reference.chunks[0]}"
