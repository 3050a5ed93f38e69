"""The notes of reStructuredText, which stand anywhere, behind what has their marks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from engines.parsing import Element, ElementKind

_LABEL = re.compile(r"\[([^\]]+)\][ ]*")
_MARK = re.compile(r"\[(#[\w-]*|\*|[\w.+-]+)\]")


def placed_notes(elements: Iterable[Element]) -> Iterator[Element]:
    """Yield each note behind the first mark with its label; those without a mark at the end. "#" and "*" stand for the next
    note that has the same label."""
    found = list(elements)
    notes: dict[str, list[Element]] = {}
    for element in found:
        if element.kind is ElementKind.NOTE and (label := _LABEL.match(element.text)):
            notes.setdefault(label[1], []).append(element)
    for element in found:
        if element.kind is not ElementKind.NOTE or not _LABEL.match(element.text):
            yield element
            for mark in _MARK.finditer(element.text) if notes else ():
                if notes.get(mark[1]):
                    yield notes[mark[1]].pop(0)
    for rest in notes.values():
        yield from rest
