"""The contract of the vector store port for both adapters: the embedded one with a real owner process, the server one with
the client's in-memory engine."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest

from engines.vectors import Combined, Condition, Filter, Matches, Mode, Query, VectorStore, VectorStoreError
from tests.engines.points import (
    ACME,
    BLUE,
    GREEN,
    HANDBOOK,
    MEMO,
    RED,
    REPORT,
    STRANGER,
    WIKI,
    hit_ids,
    ids,
    point,
    search_sparse,
)

# The in-memory engine has no indexes and warns about it.
pytestmark = pytest.mark.filterwarnings("ignore:.*local.*:UserWarning")


def test_upserted_points_are_read_back(store: VectorStore, name: str) -> None:
    store.upsert(
        ACME, name, [point(1, tags=(RED,), vector=(0, 0.6, 0.8, 0), title="Größe 大小", pages=[1, 2])]
    )
    (stored,) = store.scroll(ACME, name, Filter(), with_vectors=True)
    assert (stored.id, stored.document_id, stored.reference_id) == (UUID(int=1), REPORT, HANDBOOK)
    assert (stored.generation, stored.tag_ids) == (1, (RED,))
    assert ids(store, name, Filter(metadata={"title": "Größe 大小", "pages": 2})) == [1]
    assert stored.vector == pytest.approx((0, 0.6, 0.8, 0))
    assert store.scroll(ACME, name, Filter())[0].vector is None


def test_repeated_upsert_replaces_the_point(store: VectorStore, name: str) -> None:
    store.upsert(ACME, name, [point(1, "old words", colour="red")])
    for _ in range(2):
        store.upsert(ACME, name, [point(1, "new terms", colour="blue")])
    assert ids(store, name, Filter(metadata={"colour": "blue"})) == ids(store, name) == [1]
    assert ids(store, name, Filter(metadata={"colour": "red"})) == []
    assert hit_ids(search_sparse(store, name, "terms")) == [1]
    assert search_sparse(store, name, "words") == []


def test_absent_collection_is_empty(store: VectorStore) -> None:
    name = "absent"
    store.upsert(ACME, name, [])
    store.set_tags(ACME, name, {UUID(int=1): (RED,)})
    store.delete(ACME, name, Filter(document_ids=(REPORT,)))
    assert store.scroll(ACME, name, Filter()) == []
    for mode in Mode:
        assert store.search(ACME, name, Query(mode=mode, text="word", vector=(1, 0, 0, 0))) == []


def test_filters_match_their_points(store: VectorStore, name: str) -> None:
    store.upsert(
        ACME,
        name,
        [
            point(1, document=REPORT, reference=HANDBOOK, generation=1, tags=(RED, GREEN)),
            point(2, document=REPORT, reference=HANDBOOK, generation=2, tags=(GREEN,)),
            point(3, document=MEMO, reference=WIKI, generation=1, tags=(BLUE,)),
            point(4, document=MEMO, reference=WIKI, generation=2),
        ],
    )
    for filter, expected in [
        (Filter(), [1, 2, 3, 4]),
        (Filter(reference_ids=(HANDBOOK,)), [1, 2]),
        (Filter(reference_ids=(HANDBOOK, WIKI)), [1, 2, 3, 4]),
        (Filter(document_ids=(MEMO,)), [3, 4]),
        (Filter(document_ids=(uuid4(),)), []),
        (Filter(tags_any=(RED, BLUE)), [1, 3]),
        (Filter(tags_all=(RED, GREEN)), [1]),
        (Filter(tags_all=(RED, BLUE)), []),
        (Filter(tags_none=(RED, BLUE)), [2, 4]),
        (Filter(tags_any=(GREEN,), tags_none=(RED,)), [2]),
        (Filter(point_ids=(UUID(int=2), UUID(int=3), UUID(int=9))), [2, 3]),
        (Filter(document_ids=(REPORT,), below_generation=2), [1]),
        (Filter(also=(Filter(document_ids=(REPORT, MEMO)), Filter(tags_any=(BLUE, RED)))), [1, 3]),
        (Filter(never=(Filter(tags_any=(RED,)), Filter(document_ids=(MEMO,), tags_any=(BLUE,)))), [2, 4]),
        (Filter(also=(Filter(never=(Filter(point_ids=(UUID(int=1),)),)),), document_ids=(REPORT,)), [2]),
    ]:
        assert ids(store, name, filter) == expected, filter
        hits = store.search(ACME, name, Query(mode=Mode.DENSE, vector=(1, 0, 0, 0), filter=filter))
        assert sorted(hit_ids(hits)) == expected, filter


def test_languages_match_apart_from_metadata(store: VectorStore, name: str) -> None:
    store.upsert(
        ACME, name, [point(1, language="de"), point(2, language="el"), point(3, metadata={"language": "de"})]
    )
    assert ids(store, name, Filter(languages=("de",))) == [1]
    assert ids(store, name, Filter(languages=("de", "el"))) == [1, 2]
    assert ids(store, name, Filter(metadata={"language": "de"})) == [3]


def test_metadata_matches_by_equality_list_and_range(store: VectorStore, name: str) -> None:
    store.upsert(
        ACME,
        name,
        [
            point(
                1, author="Ada", pages=3, topics=["tax", "law"], draft=True, metadata={"file name.x": "a b"}
            ),
            point(2, author="Bob", pages=7.5, topics=["law"], draft=False, note=None),
            point(3, author="Ünal" * 500, pages=12, price=2.5),
            point(4),
        ],
    )
    cases: list[tuple[dict[str, Any], list[int]]] = [
        ({"author": "Ada"}, [1]),
        ({"author": "ada"}, []),
        ({"author": "Ünal" * 500}, [3]),
        ({"author": ["Ada", "Bob"]}, [1, 2]),
        ({"author": []}, []),
        ({"topics": "law"}, [1, 2]),
        ({"topics": "law", "author": "Bob"}, [2]),
        ({"draft": True}, [1]),
        ({"draft": 1}, []),
        ({"note": None}, [2]),
        ({"price": 2.5}, [3]),
        ({"pages": 3.0}, [1]),
        ({"pages": {"gt": 3}}, [2, 3]),
        ({"pages": {"gte": 3, "lt": 12}}, [1, 2]),
        ({"pages": {"lte": 7.5}}, [1, 2]),
        ({"file name.x": "a b"}, [1]),
        ({"file name.x": {"gt": 1}}, []),
    ]
    for metadata, expected in cases:
        assert ids(store, name, Filter(metadata=metadata)) == expected, metadata


def test_conditions_can_be_nested(store: VectorStore, name: str) -> None:
    store.upsert(
        ACME,
        name,
        [
            point(1, author="Ada", pages=3),
            point(2, author="Bob", pages=7),
            point(3, author="Cem", pages=12),
            point(4),
        ],
    )
    ada, many = Matches("author", "Ada"), Matches("pages", {"gt": 5})
    neither = Combined("none", (ada, many))
    cases: list[tuple[Condition, list[int]]] = [
        (ada, [1]),
        (Combined("any", (ada, many)), [1, 2, 3]),
        (Combined("all", (ada, many)), []),
        (neither, [4]),
        (Combined("all", (many, Combined("none", (Matches("author", ["Bob", "Dan"]),)))), [3]),
        (Combined("any", (neither, Combined("all", (many, Matches("author", "Bob"))))), [2, 4]),
    ]
    for where, expected in cases:
        assert ids(store, name, Filter(where=where)) == expected, where
    assert ids(store, name, Filter(metadata={"pages": 3}, where=many)) == []
    assert ids(store, name, Filter(where=neither), STRANGER) == []
    with pytest.raises(VectorStoreError, match="any"):
        store.scroll(ACME, name, Filter(where=Combined("any", ())))


@pytest.mark.parametrize(
    "metadata",
    [
        {"pages": {"gt": "3"}},
        {"pages": {"gt": float("nan")}},
        {"pages": {"near": 3}},
        {"pages": {}},
        {"author": {"value": "Ada"}},
        {"author": [{"x": 1}]},
        {'x" , "tenant_id': {"gt": 1}},
    ],
)
def test_invalid_condition_is_refused(store: VectorStore, name: str, metadata: dict[str, Any]) -> None:
    store.upsert(ACME, name, [point(1)])
    with pytest.raises(VectorStoreError) as error:
        store.scroll(ACME, name, Filter(metadata=metadata))
    assert error.value.code.startswith("invalid_") and not error.value.retryable


def test_condition_in_place_of_an_id_is_refused(store: VectorStore, name: str) -> None:
    forged: Any = {"should": [{"key": "tenant_id", "match": {"value": str(STRANGER)}}]}
    for field in ("reference_ids", "document_ids", "tags_any", "tags_none", "point_ids"):
        with pytest.raises((ValueError, AttributeError)):
            store.scroll(ACME, name, Filter(**dict[str, Any]({field: (forged,)})))


def test_tenants_are_isolated(store: VectorStore, name: str) -> None:
    store.upsert(ACME, name, [point(1, "salary"), point(2, "salary", tenant_id=str(STRANGER))])
    store.upsert(STRANGER, name, [point(3, "salary")])
    assert (ids(store, name), ids(store, name, tenant=STRANGER)) == ([1, 2], [3])
    for mode in Mode:
        query = Query(mode=mode, text="salary", vector=(1, 0, 0, 0))
        assert sorted(hit_ids(store.search(ACME, name, query))) == [1, 2]
        assert hit_ids(store.search(STRANGER, name, query)) == [3]
    foreign = Filter(point_ids=(UUID(int=1), UUID(int=3)), metadata={})
    assert ids(store, name, foreign, STRANGER) == [3]
    store.set_tags(STRANGER, name, {UUID(int=1): (RED,), UUID(int=3): (BLUE,)})
    assert ids(store, name, Filter(tags_any=(RED,))) == []
    store.delete(STRANGER, name, foreign)
    assert (ids(store, name), ids(store, name, tenant=STRANGER)) == ([1, 2], [])


@pytest.mark.parametrize("filter", [Filter(), Filter(below_generation=9), Filter(reference_ids=(HANDBOOK,))])
def test_delete_requires_documents_or_points(store: VectorStore, name: str, filter: Filter) -> None:
    store.upsert(ACME, name, [point(1)])
    with pytest.raises(ValueError, match="Name the documents or the points"):
        store.delete(ACME, name, filter)
    assert ids(store, name) == [1]


def test_upsert_does_not_overwrite_another_tenants_point(store: VectorStore, name: str) -> None:
    store.upsert(ACME, name, [point(1, "original")])
    store.upsert(STRANGER, name, [point(1, "foreign"), point(2, "foreign")])
    assert (ids(store, name), ids(store, name, tenant=STRANGER)) == ([1], [2])
    assert hit_ids(search_sparse(store, name, "original")) == [1]
    assert search_sparse(store, name, "foreign") == []


def test_scores_do_not_depend_on_other_tenants(store: VectorStore, name: str) -> None:
    store.upsert(ACME, name, [point(1, "tax law"), point(2, "tax office"), point(3, "garden")])
    before = search_sparse(store, name, "tax garden")
    store.upsert(STRANGER, name, [point(number, "garden tax") for number in range(10, 60)])
    assert search_sparse(store, name, "tax garden") == before
    assert hit_ids(before)[0] == 3
    assert before[0].score > 2 * before[1].score > 0


def test_set_tags_replaces_only_tags(store: VectorStore, name: str) -> None:
    store.upsert(
        ACME, name, [point(1, "word", tags=(RED,), page=3), point(2, tags=(RED,)), point(3, tags=(RED,))]
    )
    for _ in range(2):
        store.set_tags(ACME, name, {UUID(int=1): (GREEN, BLUE), UUID(int=2): (), UUID(int=99): (BLUE,)})
    tags = {stored.id.int: stored.tag_ids for stored in store.scroll(ACME, name, Filter())}
    assert tags == {1: (GREEN, BLUE), 2: (), 3: (RED,)}
    assert ids(store, name, Filter(tags_any=(BLUE,), metadata={"page": 3})) == [1]
    assert hit_ids(search_sparse(store, name, "word")) == [1]


def test_set_tags_of_no_points_changes_nothing(store: VectorStore, name: str) -> None:
    store.upsert(ACME, name, [point(1, tags=(RED,))])
    store.set_tags(ACME, name, {})
    assert ids(store, name, Filter(tags_any=(RED,))) == [1]


def test_old_generations_can_be_deleted(store: VectorStore, name: str) -> None:
    store.upsert(
        ACME, name, [point(n, generation=g, document=d) for n, g, d in [(1, 1, REPORT), (2, 2, REPORT)]]
    )
    store.upsert(ACME, name, [point(3, generation=1, document=MEMO)])
    for _ in range(2):
        store.delete(ACME, name, Filter(document_ids=(REPORT,), below_generation=2))
    assert ids(store, name) == [2, 3]


def test_scroll_pages_are_ordered_and_complete(store: VectorStore, name: str) -> None:
    numbers = [uuid5(REPORT, str(n)).int for n in range(1203)]
    store.upsert(ACME, name, [point(n, document=(REPORT, MEMO)[n % 2]) for n in numbers])
    store.upsert(STRANGER, name, [point(uuid4().int) for _ in range(50)])
    for filter, expected in [
        (Filter(), sorted(numbers)),
        (Filter(document_ids=(MEMO,)), sorted(n for n in numbers if n % 2)),
    ]:
        pages, after = list[int](), None
        while page := store.scroll(ACME, name, filter, after=after, limit=100, with_vectors=True):
            assert all(stored.vector for stored in page)
            pages += [stored.id.int for stored in page]
            after = page[-1].id
        assert pages == expected
        assert [stored.id.int for stored in store.scroll(ACME, name, filter, limit=2000)] == expected
    between = UUID(int=sorted(numbers)[600] + 1)
    (following,) = store.scroll(ACME, name, Filter(), after=between, limit=1)
    assert following.id.int == sorted(numbers)[601]
