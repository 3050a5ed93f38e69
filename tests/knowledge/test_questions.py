"""The language of questions, through the service: phrases, exclusions and fields."""

from __future__ import annotations

from uuid import uuid4

import pytest

from engines.vectors import Mode
from knowledge.search import passages
from knowledge.search.service import search
from tests.conftest import make_owner
from tests.knowledge.libraries import BEES, RIVERS, Library, make_library

PAGES = {
    "annual_report-2024.md": "# Results\n\nThe net profit rose by 12 % in the\nsecond quarter. Error ERR:404 was mended.\n",
    "profit.md": "# Notes\n\nThe second profit of the quarter, net of all, was small; see C++ and ERR 405.\n",
    "cafe.txt": "Le CAFÉ d’Élise ferme à 12:30, et nous rentrons tous à la maison."
    " Straße der Bienen, -5 °C, \\\\server\\share\\plan.docx\n",
}


@pytest.fixture(scope="module")
def pages(database: None, tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Shared: no test changes it."""
    library = make_library(make_owner(), tmp_path_factory.mktemp("own"))
    for name, text in PAGES.items():
        library.queue(library.upload(name, text))
    library.queue(library.upload("bees.md", BEES, tags=("insects",)))
    library.queue(library.upload("rivers.md", RIVERS, tags=("fresh water",)))
    library.work()
    return library


def names(library: Library, query: str) -> set[str]:
    return {hit.filename for hit in library.find(query)}


REPORT, PROFIT, CAFE, BEE, RIVER = (*PAGES, "bees.md", "rivers.md")
PHRASES = [
    ('"net profit rose"', {REPORT}),
    ('"rose by 12 % in the second quarter"', {REPORT}),
    ('"profit net"', set()),
    ('"SECOND quarter"', {REPORT}),
    ('"cafe d\'elise"', {CAFE}),
    ('"strasse der bienen"', {CAFE}),
    ('"ERR:404"', {REPORT}),
    ('"err 405"', {PROFIT}),
    ('"C++"', {PROFIT}),
    ('"annual report"', {REPORT}),
    ('"net profit" "no such thing"', set()),
    ('"net profit" "error" -"second profit"', {REPORT}),
    ('"the" -"net profit" -danube title:notes title:results', {PROFIT}),
    ("title:notes title:results", {REPORT, PROFIT}),
    ("„net profit rose“", {REPORT}),
    ("”second quarter” -“small”", {REPORT}),
    ("« cafe d'élise »", {CAFE}),
    ('"the"', {REPORT, PROFIT, BEE, RIVER}),
    ('"in the second"', {REPORT}),
]


@pytest.mark.parametrize(("query", "expected"), PHRASES)
def test_phrases_are_found_as_they_are_seen(pages: Library, query: str, expected: set[str]) -> None:
    assert names(pages, query) == expected


def test_phrases_of_frequent_words_are_found_in_all_passages(
    pages: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passages, "MAX_CANDIDATES", 0)
    monkeypatch.setattr(passages, "SLICE_ROWS", 2)
    for query, expected in PHRASES:
        assert names(pages, query) == expected, query


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("profit -rose", {PROFIT, CAFE, BEE, RIVER}),
        ('profit -"net profit"', {PROFIT, CAFE, BEE, RIVER}),
        ("profit -RÖSE -c++", {CAFE, BEE, RIVER}),
        ("-profit", {CAFE, BEE, RIVER}),
        ('"second" -"net profit"', {PROFIT}),
        ("filename:report", {REPORT}),
        ('filename:"annual report 2024.md"', {REPORT}),
        ("filename:annual_report-2024", {REPORT}),
        ("filename:report filename:cafe", {REPORT, CAFE}),
        ("filename:report filename:cafe -second", {CAFE}),
        ("filename:nothing", set()),
        ("profit -filename:profit", {REPORT, CAFE, BEE, RIVER}),
        ("title:results", {REPORT}),
        ("title:notes title:results quarter", {REPORT, PROFIT}),
        ("title:profit", set()),
        ("type:txt", {CAFE}),
        ("type:text", {CAFE}),
        ("type:markdown -type:txt nature", {REPORT, PROFIT, BEE, RIVER}),
        ("type:pdf", set()),
        ("nature -type:unknown -language:unknown -tag:unknown -filename:unknown", {*PAGES, BEE, RIVER}),
        ("tag:INSECTS", {BEE}),
        ('tag:insects tag:"fresh water"', {BEE, RIVER}),
        ("nature -tag:insects", {*PAGES, RIVER}),
        ("language:french", {CAFE}),
        ("language:fr language:English dance", {*PAGES, BEE, RIVER}),
        ("language:klingon", set()),
        ("language:en-GB -language:deutsch bees", {REPORT, PROFIT, BEE, RIVER}),
    ],
)
def test_exclusions_and_fields(pages: Library, query: str, expected: set[str]) -> None:
    assert names(pages, query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("ERR:404", REPORT),
        ("ferme 12:30", CAFE),
        ("-5 °C", CAFE),
        (r"\\server\share\plan.docx", CAFE),
        (r"\-profit \"second of the quarter", PROFIT),
        ('dance of the "honey bees', BEE),
        ("danube: river type", RIVER),
        ("note:danube", RIVER),
    ],
)
def test_other_signs_are_text(pages: Library, query: str, expected: str) -> None:
    assert pages.find(query)[0].filename == expected


@pytest.mark.parametrize("query", ["...", "(((", "-", '""', "\u0301\u200b", "?! …", "_" * 50])
@pytest.mark.parametrize("operators", [True, False])
def test_without_a_word_nothing_is_found(pages: Library, query: str, operators: bool) -> None:
    found = search(
        actor=pages.person.actor, query=query, operators=operators, min_score=0, rerank=True, audited=False
    )
    assert found == []


def test_fields_are_enough_beside_signs(pages: Library) -> None:
    assert names(pages, "type:txt ?!") == {CAFE}


def test_without_operators_all_is_text(pages: Library) -> None:
    found = search(
        actor=pages.person.actor, query='"no such" -bees filename:x bees', operators=False, audited=False
    )
    assert found[0].filename == BEE


def test_conditions_and_filters_hold_together(pages: Library) -> None:
    assert pages.find("tag:insects", tags_any=("fresh water",)) == []
    assert pages.find('"honey bees"', references=(uuid4(),)) == []
    assert [hit.filename for hit in pages.find('"honey bees"', tags_any=("insects",))] == [BEE]


@pytest.mark.parametrize("mode", list(Mode))
def test_conditions_hold_in_each_mode(pages: Library, mode: Mode) -> None:
    found = search(actor=pages.person.actor, query='rivers "honey bees" -danube', mode=mode, audited=False)
    assert {hit.filename for hit in found} == {BEE}


def test_other_tenants_passages_have_no_phrases(pages: Library, foreign_library: Library) -> None:
    for query in ('"honey bees"', "filename:bees", "title:bees", "tag:insects", "type:md", "-nothing"):
        assert foreign_library.find(query) == []


def test_stop_words_alone_are_a_phrase_first(library: Library) -> None:
    for number in range(5):
        library.queue(library.upload(f"{number}.txt", f"The hall is the place of the {number} clubs.\n"))
    library.queue(library.upload("record.txt", "The The made a record of songs that are not on the radio.\n"))
    library.work()
    assert names(library, "the the") == {"record.txt"}
    assert (
        len(
            library.find(
                "of of",
            )
        )
        > 0
    )
