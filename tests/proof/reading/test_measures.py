"""The measures find what is wrong, and only that."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.parsing import Element, ElementKind, ParsedDocument
from tests.proof.reading.judgement import Reading, faults
from tests.proof.reading.measures import common_subsequence, measure, words
from tests.proof.reading.reference import Reference, read_reference

REFERENCE = """title 1 @1: Rooms
table @1: Room | Seats
  Elm | 12
text @2: Doors close at ten.
absent: Secret
"""
READ = (
    Element(ElementKind.TITLE, "Rooms", 1, 1),
    Element(ElementKind.TABLE, "Room | Seats\nElm | 12", 1),
    Element(ElementKind.TEXT, "Doors close at ten.", 2),
)


@pytest.fixture
def reference(tmp_path: Path) -> Reference:
    path = tmp_path / "a.txt.ref"
    path.write_text(REFERENCE)
    return read_reference(path)


def wrong(reference: Reference, *elements: Element) -> list[str]:
    return list(faults(Reading(ParsedDocument(mime_type="", elements=elements), {}), reference))


def test_words_are_compared_without_case_forms_and_marks():
    assert words("Straße ﬁne \uff12\uff10 a\u00adb 図書 كِتاب") == [
        "strasse",
        "fine",
        "20",
        "ab",
        "図",
        "書",
        "كتاب",
    ]


def test_order_is_the_longest_common_subsequence():
    assert (
        common_subsequence(
            ["the", "mill", "stands", "at", "the", "river"], ["the", "river", "the", "mill", "at"]
        )
        == 3
    )
    assert common_subsequence([], ["a"]) == 0


def test_a_document_read_right_has_no_faults(reference: Reference):
    assert wrong(reference, *READ) == []
    assert all(
        share.right == share.total
        for share in measure(ParsedDocument(mime_type="", elements=READ), reference)
    )


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({2: Element(ElementKind.TEXT, "Doors close", 2)}, "missing: 'Doors close at ten.'"),
        ({2: Element(ElementKind.TEXT, "Doors close at ten.", 1)}, "2 of 3 pages right"),
        ({0: Element(ElementKind.TEXT, "Rooms", 1)}, "0 of 1 titles right"),
        ({1: Element(ElementKind.TABLE, "Room | Seats\n | Elm | 12", 1)}, "cells right"),
        ({2: Element(ElementKind.TEXT, "Doors close at ten. Secret", 2)}, "read: 'Secret'"),
        ({2: Element(ElementKind.TITLE, "Doors close at ten.", 2, 1)}, "1 titles are none"),
        ({0: READ[2], 2: READ[0]}, "out of order"),
    ],
)
def test_faults_are_named(reference: Reference, change: dict[int, Element], fault: str):
    found = wrong(reference, *(change.get(at, element) for at, element in enumerate(READ)))
    assert any(fault in one for one in found), found


def test_a_line_without_a_key_is_refused(tmp_path: Path):
    path = tmp_path / "a.txt.ref"
    path.write_text("tittle: a\n")
    with pytest.raises(ValueError, match="tittle"):
        read_reference(path)
