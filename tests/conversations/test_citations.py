"""The marks in an answer: one form, only of passages that were given, and never in code."""

from __future__ import annotations

import pytest

from benchmarks.grounding import passage_of
from conversations.answering.citations import check_citations
from conversations.answering.values import Part, Passage

BEES = "Honey bees dance to tell where flowers are. A hive has one queen."
RIVERS = "The Danube is 2,850 kilometres long. It flows into the Black Sea."
PASSAGES = [passage_of(BEES, 1), passage_of(RIVERS, 2)]


@pytest.mark.parametrize(
    ("written", "clean"),
    [
        ("Bees dance [1][2].", "Bees dance [1][2]."),
        ("Bees dance [1, 2].", "Bees dance [1][2]."),
        ("Bees dance [1-2].", "Bees dance [1][2]."),
        ("Bees dance【1】.", "Bees dance[1]."),
        ("Bees dance 【1†source】.", "Bees dance [1]."),
        ("Bees dance [^1].", "Bees dance [1]."),
        ("Bees dance [Source 1; Source 2].", "Bees dance [1][2]."),
        ("Bees dance [1](https://attacker.example/?q=secret).", "Bees dance [1]."),
        ("Bees dance (1).", "Bees dance [1]."),
        ("Bees dance in 8 (1) ways [2].", "Bees dance in 8 (1) ways [2]."),
        ("Bees dance since [1984].", "Bees dance since [1984]."),
        ("See `a[7]` [1].\n```\nb[9]\n```", "See `a[7]` [1].\n```\nb[9]\n```"),
    ],
)
def test_marks_have_one_form(written: str, clean: str):
    text, _, removed = check_citations(written, PASSAGES)
    assert (text, removed) == (clean, ())


def test_marks_of_no_passage_are_removed_and_returned():
    text, citations, removed = check_citations("Bees dance [7]. Rivers flow [2, 9] far [0].", PASSAGES)
    assert text == "Bees dance. Rivers flow [2] far."
    assert removed == ("[7]", "[9]", "[0]")
    assert [one.number for one in citations] == [2]


def test_what_is_cited_is_the_nearest_sentence_of_the_passage():
    text = "There is one queen in a hive. [1] The Danube reaches the Black Sea [2]."
    _, citations, _ = check_citations(text, PASSAGES)
    assert [one.text for one in citations] == ["A hive has one queen.", "It flows into the Black Sea."]
    assert all(BEES[one.start : one.end] == one.text for one in citations[:1])


def test_sentence_of_a_joined_passage_has_the_page_of_its_part():
    first, second = passage_of(BEES).chunk, passage_of(RIVERS, page=4).chunk
    parts = (Part(0, first.chunk_id, 3), Part(len(BEES) + 2, second.chunk_id, 4))
    joined = passage_of(f"{BEES}\n\n{RIVERS}", page=3, last_page=4).chunk
    passage = Passage(number=1, chunk=joined, parts=parts)
    _, citations, _ = check_citations("The Danube is long [1]. Bees dance [1].", [passage])
    assert [one.page for one in citations] == [4, 3]
