"""The contract of the vector store port: searches, and invalid calls."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from engines.vectors import Filter, Mode, Query, VectorStore, VectorStoreError
from tests.engines.points import (
    ACME,
    NAME,
    hit_ids,
    ids,
    point,
    search_sparse,
)

# The in-memory engine has no indexes and warns about it.
pytestmark = pytest.mark.filterwarnings("ignore:.*local.*:UserWarning")


def test_modes_return_ranked_hits_with_scores(store: VectorStore, name: str) -> None:
    store.upsert(
        ACME,
        name,
        [
            point(1, "solar panels on the roof", vector=(1, 0, 0, 0)),
            point(2, "wind turbines", vector=(0.8, 0.6, 0, 0)),
            point(3, "solar eclipse", vector=(0, 1, 0, 0)),
            point(4, "bread", vector=(0, 0, 1, 0)),
        ],
    )
    query: dict[str, Any] = {"text": "solar panel", "vector": (1.0, 0.0, 0.0, 0.0)}
    dense = store.search(ACME, name, Query(mode=Mode.DENSE, limit=2, **query))
    assert hit_ids(dense) == [1, 2]
    assert [hit.scores["dense"] for hit in dense] == pytest.approx([1.0, 0.8], abs=1e-5)
    terms = store.search(ACME, name, Query(mode=Mode.SPARSE, **query))
    assert hit_ids(terms) == [1, 3]
    assert terms[0].scores.keys() == {"sparse"}
    hybrid = {hit.point_id.int: hit for hit in store.search(ACME, name, Query(mode=Mode.HYBRID, **query))}
    assert next(iter(hybrid)) == 1
    assert hybrid.keys() == {1, 2, 3, 4}
    assert hybrid[1].scores == {**dense[0].scores, **terms[0].scores}
    assert hybrid[2].scores.keys() == {"dense"}
    for hits in (dense, terms, [*hybrid.values()]):
        relevances = [hit.score for hit in hits]
        assert relevances == sorted(relevances, reverse=True)
        assert 0 < relevances[-1] < relevances[0] < 1


@pytest.mark.parametrize("mode", Mode)
def test_limit_is_the_maximum_number_of_hits(store: VectorStore, name: str, mode: Mode) -> None:
    store.upsert(ACME, name, [point(n, "word") for n in range(1, 31)])
    for limit in (0, 1, 7, 500):
        query = Query(mode=mode, text="word", vector=(1, 0, 0, 0), limit=limit)
        assert len(store.search(ACME, name, query)) == min(limit, 30)


def test_query_without_terms_ranks_by_vector_only(store: VectorStore, name: str) -> None:
    store.upsert(ACME, name, [point(1, "word"), point(2, "")])
    for text in ("", "?!", "the"):
        assert search_sparse(store, name, text) == []
        hybrid = store.search(ACME, name, Query(mode=Mode.HYBRID, text=text, vector=(1, 0, 0, 0)))
        assert sorted(hit_ids(hybrid)) == [1, 2]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("The running horses", "HORSE"),
        ("Les élèves étudient à l'école nationale.", "eleve"),
        ("Die Größe der Häuser", "grosse"),
        ("人工智能正在改变世界各地的医疗系统", "医疗"),
        ("東京都は日本の首都であり、水がきれい", "東京"),
        ("東京都は日本の首都であり、水がきれい", "水"),
        ("コンピューターの歴史", "ｺﾝﾋﾟｭｰﾀｰ"),
        ("한국의 수도는 서울이다", "서울"),
        ("ความรู้เบื้องต้นเกี่ยวกับคอมพิวเตอร์", "คอมพิวเตอร์"),
        ("Москва — столица России", "РОССИИ"),
        ("عاصمة مصر هي القاهرة", "القاهرة"),
        ("Error E-1234 in foo_bar.baz on 2024-05-01", "e-1234 foo_bar 2024"),
        ("the ﬁnal oﬃce", "final office"),
        ("Cafe\u0301", "café"),
    ],
)
def test_terms_of_many_scripts_match(store: VectorStore, name: str, text: str, question: str) -> None:
    store.upsert(ACME, name, [point(1, text), point(2, "something else, 別の")])
    assert hit_ids(search_sparse(store, name, question)) == [1]


@pytest.mark.parametrize(
    "bad", ["", "../x", "a/b", ".hidden", "a\x00", "a\n", "x" * 102, "Kelvin\u212a", "a b", "-x", "a\\b"]
)
def test_invalid_collection_name_is_refused(store: VectorStore, bad: str) -> None:
    for call in (
        lambda: store.upsert(ACME, bad, [point(1)]),
        lambda: store.set_tags(ACME, bad, {UUID(int=1): ()}),
        lambda: store.delete(ACME, bad, Filter()),
        lambda: store.search(ACME, bad, Query(mode=Mode.DENSE, vector=(1, 0, 0, 0))),
        lambda: store.scroll(ACME, bad, Filter()),
    ):
        with pytest.raises(VectorStoreError, match="name of a collection") as error:
            call()
        assert (error.value.code, error.value.retryable) == ("invalid_collection", False)


@pytest.mark.parametrize(
    "vectors",
    [[(1.0, float("nan"), 0, 0)], [(1.0, float("inf"), 0, 0)], [(1.0, 0), (1.0, 0, 0, 0)], [("a",) * 4]],
)
def test_invalid_vector_is_refused(store: VectorStore, name: str, vectors: list[tuple[float, ...]]) -> None:
    with pytest.raises(VectorStoreError) as error:
        store.upsert(ACME, name, [point(n, vector=vector) for n, vector in enumerate(vectors)])
    assert (error.value.code, error.value.retryable) == ("invalid_vector", False)


def test_vector_of_another_length_is_refused(store: VectorStore, name: str) -> None:
    store.upsert(ACME, name, [point(1)])
    for call in (
        lambda: store.upsert(ACME, name, [point(2, vector=(1.0, 0.0))]),
        lambda: store.search(ACME, name, Query(mode=Mode.DENSE, vector=(1.0, 0.0))),
    ):
        with pytest.raises(VectorStoreError) as error:
            call()
        assert (error.value.code, error.value.retryable) == ("vector_store_rejected", False)
    assert ids(store, name) == [1]


def test_dense_and_hybrid_require_a_vector(store: VectorStore, name: str) -> None:
    for mode in (Mode.DENSE, Mode.HYBRID):
        with pytest.raises(VectorStoreError, match="needs the query's vector"):
            store.search(ACME, name, Query(mode=mode, text="word"))


def test_nested_metadata_is_refused(store: VectorStore, name: str) -> None:
    with pytest.raises(VectorStoreError, match="must be text, a number"):
        store.upsert(ACME, name, [point(1, nested={"a": 1})])


def test_unreachable_server_is_retryable() -> None:
    from engines.vectors.server import QdrantServerStore

    with pytest.raises(VectorStoreError, match="QDRANT_URL") as error:
        QdrantServerStore(url="http://127.0.0.1:1").scroll(ACME, NAME, Filter())
    assert (error.value.code, error.value.retryable) == ("vector_store_unavailable", True)


def test_vector_function_is_called_if_needed(store: VectorStore, name: str) -> None:
    calls = list[None]()

    def vector() -> tuple[float, ...]:
        calls.append(None)
        return (1, 0, 0, 0)

    store.upsert(ACME, name, [point(1, "word")])
    for mode, count in ((Mode.SPARSE, 0), (Mode.DENSE, 1), (Mode.HYBRID, 2)):
        assert hit_ids(store.search(ACME, name, Query(mode=mode, text="word", vector=vector))) == [1]
        assert len(calls) == count


def test_failing_vector_function_leaves_the_store_usable(store: VectorStore, name: str) -> None:
    """The pending response of the sparse query must not become the response to the next request."""

    def vector() -> tuple[float, ...]:
        raise LookupError

    store.upsert(ACME, name, [point(1, "word"), point(2, "honey")])
    for _ in range(3):
        with pytest.raises(LookupError):
            store.search(ACME, name, Query(mode=Mode.HYBRID, text="word", vector=vector))
        assert hit_ids(search_sparse(store, name, "honey")) == [2]
