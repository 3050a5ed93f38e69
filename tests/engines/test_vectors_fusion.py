"""How the rankings of a search become one list, and what its relevance says: through the embedded store."""

from __future__ import annotations

from typing import Any

import pytest

from engines.vectors import Mode, Query, VectorStore
from tests.engines.points import ACME, STRANGER, hit_ids, point

pytestmark = pytest.mark.filterwarnings("ignore:.*local.*:UserWarning")


def leaning(cosine: float) -> tuple[float, ...]:
    """A vector that has this cosine with (1, 0, 0, 0)."""
    return (cosine, (1 - cosine**2) ** 0.5, 0.0, 0.0)


def question(text: str, mode: Mode = Mode.HYBRID, **options: Any) -> Query:
    return Query(mode=mode, text=text, vector=(1.0, 0.0, 0.0, 0.0), **options)


@pytest.mark.parametrize("mode", Mode)
def test_a_longer_list_begins_with_the_shorter_one(store: VectorStore, name: str, mode: Mode) -> None:
    store.upsert(
        ACME,
        name,
        [
            point(n, f"word {'word ' * (n * 7 % 11)}", vector=leaning(0.2 + 0.5 * (n * 31 % 250) / 250))
            for n in range(1, 251)
        ],
    )
    longest = store.search(ACME, name, question("word", mode, limit=250))
    assert len(longest) == 250
    assert [hit.score for hit in longest] == sorted((hit.score for hit in longest), reverse=True)
    for limit in (10, 150):
        shorter = store.search(ACME, name, question("word", mode, limit=limit))
        assert [hit.score for hit in shorter] == [hit.score for hit in longest[:limit]]


@pytest.mark.parametrize("text", ["PO-4711", "Who signed for the order PO-4711 that we were promised?"])
def test_an_identifier_decides_among_texts_that_are_alike(store: VectorStore, name: str, text: str) -> None:
    store.upsert(
        ACME,
        name,
        [
            point(
                n,
                f"Order PO-{4700 + n} was shipped and signed for.",
                vector=leaning(0.7 + (n * 13 % 60) / 500),
            )
            for n in range(1, 61)
        ],
    )
    best, second = store.search(ACME, name, question(text, limit=2))
    assert best.point_id.int == 11
    assert best.score > second.score + 0.1


def test_vectors_do_not_decide_in_a_language_that_the_model_does_not_read(
    store: VectorStore, name: str
) -> None:
    texts = ["η πρωτεύουσα της Ελλάδας", *("κάτι άλλο" for _ in range(20))]
    vectors = [leaning(0.3), *(leaning(0.95) for _ in range(20))]
    store.upsert(
        ACME,
        name,
        [
            point(n, text, vector=vector)
            for n, (text, vector) in enumerate(zip(texts, vectors, strict=True), 1)
        ],
    )
    text = "πρωτεύουσα μεγάλη πόλη σήμερα"
    assert hit_ids(store.search(ACME, name, question(text, is_read=False, limit=1))) == [1]
    assert hit_ids(store.search(ACME, name, question(text, limit=1))) != [1]


def test_relevance_depends_little_on_the_size_of_the_collection(store: VectorStore, name: str) -> None:
    def relevance(others: range) -> float:
        store.upsert(ACME, name, [point(n, f"text {n}", vector=leaning(0.05)) for n in others])
        (best,) = store.search(ACME, name, question("honey bees", limit=1))
        return best.score

    store.upsert(ACME, name, [point(1, "honey bees dance", vector=leaning(0.6))])
    small, large = relevance(range(2, 30)), relevance(range(30, 2000))
    assert small > 0.5
    assert abs(large - small) < 0.2


def test_relevance_does_not_depend_on_other_tenants(store: VectorStore, name: str) -> None:
    store.upsert(ACME, name, [point(n, "honey bees", vector=leaning(0.5)) for n in range(1, 4)])
    before = store.search(ACME, name, question("honey bees"))
    store.upsert(STRANGER, name, [point(n, "honey bees", vector=leaning(0.9)) for n in range(100, 400)])
    assert store.search(ACME, name, question("honey bees")) == before
