"""The contract of the vector store port, held by both adapters: the embedded one with a real owner process,
the server one with the client's own in-memory engine."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest

from knowledge.vectors import Filter, Hit, Mode, Point, Query, VectorStore, VectorStoreError

ACME, STRANGER = UUID(int=0xA), UUID(int=0xB)
HANDBOOK, WIKI = UUID(int=0x10), UUID(int=0x11)
REPORT, MEMO = UUID(int=0x20), UUID(int=0x21)
RED, GREEN, BLUE = UUID(int=0x30), UUID(int=0x31), UUID(int=0x32)
NAME = "minilm-int8"
EVERYTHING = Filter()

# The in-memory engine has no indexes and looks at every point, and says so.
pytestmark = pytest.mark.filterwarnings("ignore:.*local.*:UserWarning")


@pytest.fixture(scope="module")
def edge() -> Iterator[VectorStore]:
    from knowledge.vectors.edge import EdgeStore

    folder = Path(tempfile.mkdtemp(prefix="oyl-"))  # pytest's own are too long for a socket
    path = folder / "v.sock"
    command = [
        sys.executable,
        "-m",
        "knowledge.vectors.owner",
        "--socket",
        str(path),
        "--dir",
        str(folder / "d"),
    ]
    process = subprocess.Popen(command)
    try:
        for _ in range(200):
            if path.exists():
                break
            time.sleep(0.05)
        yield EdgeStore(path)
    finally:
        process.terminate()
        assert process.wait(10) == 0
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server() -> VectorStore:
    from qdrant_client import QdrantClient

    from knowledge.vectors.server import QdrantServerStore

    return QdrantServerStore(client=QdrantClient(":memory:"))


@pytest.fixture(params=["edge", "server"])
def store(request: pytest.FixtureRequest) -> VectorStore:
    found: VectorStore = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def name(store: VectorStore) -> Iterator[str]:
    """One collection for all tests, because a new one takes the engine a second; emptied after each."""
    yield NAME
    for tenant in (ACME, STRANGER):
        store.delete(tenant, NAME, Filter())
        assert store.scroll(tenant, NAME, Filter()) == []


def point(
    number: int,
    text: str = "",
    *,
    document: UUID = REPORT,
    reference: UUID = HANDBOOK,
    generation: int = 1,
    vector: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0),
    tags: tuple[UUID, ...] = (),
    metadata: dict[str, Any] | None = None,
    **facts: object,
) -> Point:
    return Point(
        id=UUID(int=number),
        document_id=document,
        reference_id=reference,
        generation=generation,
        vector=vector,
        text=text,
        tag_ids=tags,
        metadata={**facts, **(metadata or {})},
    )


def ids(store: VectorStore, name: str, filter: Filter = EVERYTHING, tenant: UUID = ACME) -> list[int]:
    return [found.id.int for found in store.scroll(tenant, name, filter)]


def found(hits: list[Hit]) -> list[int]:
    return [hit.point_id.int for hit in hits]


def sparse(store: VectorStore, name: str, text: str, tenant: UUID = ACME, **options: Any) -> list[Hit]:
    return store.search(tenant, name, Query(mode=Mode.SPARSE, text=text, **options))


def test_what_was_upserted_is_read_back(store: VectorStore, name: str) -> None:
    store.upsert(
        ACME, name, [point(1, tags=(RED,), vector=(0, 0.6, 0.8, 0), title="Größe 大小", pages=[1, 2])]
    )
    (stored,) = store.scroll(ACME, name, Filter(), with_vectors=True)
    assert (stored.id, stored.document_id, stored.reference_id) == (UUID(int=1), REPORT, HANDBOOK)
    assert (stored.generation, stored.tag_ids) == (1, (RED,))
    assert stored.metadata == {"title": "Größe 大小", "pages": [1, 2]}
    assert stored.vector == pytest.approx((0, 0.6, 0.8, 0))
    assert store.scroll(ACME, name, Filter())[0].vector is None


def test_a_repeated_upsert_replaces(store: VectorStore, name: str) -> None:
    store.upsert(ACME, name, [point(1, "old words", colour="red")])
    for _ in range(2):
        store.upsert(ACME, name, [point(1, "new terms", colour="blue")])
    assert [stored.metadata for stored in store.scroll(ACME, name, Filter())] == [{"colour": "blue"}]
    assert found(sparse(store, name, "terms")) == [1]
    assert sparse(store, name, "words") == []


def test_an_absent_collection_is_an_empty_one(store: VectorStore) -> None:
    name = "absent"
    store.upsert(ACME, name, [])
    store.set_tags(ACME, name, {UUID(int=1): (RED,)})
    store.delete(ACME, name, Filter())
    assert store.scroll(ACME, name, Filter()) == []
    for mode in Mode:
        assert store.search(ACME, name, Query(mode=mode, text="word", vector=(1, 0, 0, 0))) == []


def test_each_condition_narrows(store: VectorStore, name: str) -> None:
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
    ]:
        assert ids(store, name, filter) == expected, filter
        hits = store.search(ACME, name, Query(mode=Mode.DENSE, vector=(1, 0, 0, 0), filter=filter))
        assert sorted(found(hits)) == expected, filter


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
def test_an_impossible_condition_is_refused(store: VectorStore, name: str, metadata: dict[str, Any]) -> None:
    store.upsert(ACME, name, [point(1)])
    with pytest.raises(VectorStoreError) as error:
        store.scroll(ACME, name, Filter(metadata=metadata))
    assert error.value.code.startswith("invalid_") and not error.value.retryable


def test_a_condition_cannot_be_smuggled_in_as_an_id(store: VectorStore, name: str) -> None:
    forged: Any = {"should": [{"key": "tenant_id", "match": {"value": str(STRANGER)}}]}
    for field in ("reference_ids", "document_ids", "tags_any", "tags_none", "point_ids"):
        with pytest.raises((ValueError, AttributeError)):
            store.scroll(ACME, name, Filter(**dict[str, Any]({field: (forged,)})))


def test_tenants_do_not_see_or_touch_each_other(store: VectorStore, name: str) -> None:
    store.upsert(ACME, name, [point(1, "salary"), point(2, "salary", tenant_id=str(STRANGER))])
    store.upsert(STRANGER, name, [point(3, "salary")])
    assert (ids(store, name), ids(store, name, tenant=STRANGER)) == ([1, 2], [3])
    for mode in Mode:
        query = Query(mode=mode, text="salary", vector=(1, 0, 0, 0))
        assert sorted(found(store.search(ACME, name, query))) == [1, 2]
        assert found(store.search(STRANGER, name, query)) == [3]
    foreign = Filter(point_ids=(UUID(int=1), UUID(int=3)), metadata={})
    assert ids(store, name, foreign, STRANGER) == [3]
    store.set_tags(STRANGER, name, {UUID(int=1): (RED,), UUID(int=3): (BLUE,)})
    assert ids(store, name, Filter(tags_any=(RED,))) == []
    store.delete(STRANGER, name, foreign)
    store.delete(STRANGER, name, Filter())
    assert (ids(store, name), ids(store, name, tenant=STRANGER)) == ([1, 2], [])


def test_an_id_of_another_tenant_is_not_overwritten(store: VectorStore, name: str) -> None:
    store.upsert(ACME, name, [point(1, "mine")])
    store.upsert(STRANGER, name, [point(1, "theirs"), point(2, "theirs")])
    assert (ids(store, name), ids(store, name, tenant=STRANGER)) == ([1], [2])
    assert found(sparse(store, name, "mine")) == [1]
    assert sparse(store, name, "theirs") == []


def test_points_of_other_tenants_do_not_change_scores(store: VectorStore, name: str) -> None:
    store.upsert(ACME, name, [point(1, "tax law"), point(2, "tax office"), point(3, "garden")])
    before = sparse(store, name, "tax garden")
    store.upsert(STRANGER, name, [point(number, "garden tax") for number in range(10, 60)])
    assert sparse(store, name, "tax garden") == before
    assert found(before)[0] == 3
    assert before[0].score > 2 * before[1].score > 0


def test_tags_are_replaced_and_nothing_else(store: VectorStore, name: str) -> None:
    store.upsert(
        ACME, name, [point(1, "word", tags=(RED,), page=3), point(2, tags=(RED,)), point(3, tags=(RED,))]
    )
    for _ in range(2):
        store.set_tags(ACME, name, {UUID(int=1): (GREEN, BLUE), UUID(int=2): (), UUID(int=99): (BLUE,)})
    tags = {stored.id.int: stored.tag_ids for stored in store.scroll(ACME, name, Filter())}
    assert tags == {1: (GREEN, BLUE), 2: (), 3: (RED,)}
    assert ids(store, name, Filter(tags_any=(BLUE,), metadata={"page": 3})) == [1]
    assert found(sparse(store, name, "word")) == [1]


def test_setting_no_tags_changes_nothing(store: VectorStore, name: str) -> None:
    store.upsert(ACME, name, [point(1, tags=(RED,))])
    store.set_tags(ACME, name, {})
    assert ids(store, name, Filter(tags_any=(RED,))) == [1]


def test_old_generations_are_deleted(store: VectorStore, name: str) -> None:
    store.upsert(
        ACME, name, [point(n, generation=g, document=d) for n, g, d in [(1, 1, REPORT), (2, 2, REPORT)]]
    )
    store.upsert(ACME, name, [point(3, generation=1, document=MEMO)])
    for _ in range(2):
        store.delete(ACME, name, Filter(document_ids=(REPORT,), below_generation=2))
    assert ids(store, name) == [2, 3]


def test_scrolling_pages_are_ordered_and_complete(store: VectorStore, name: str) -> None:
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


def test_modes_rank_and_explain(store: VectorStore, name: str) -> None:
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
    assert found(dense) == [1, 2]
    assert [hit.scores for hit in dense] == [{"dense": hit.score} for hit in dense]
    assert [hit.score for hit in dense] == pytest.approx([1.0, 0.8], abs=1e-5)
    terms = store.search(ACME, name, Query(mode=Mode.SPARSE, **query))
    assert found(terms) == [1, 3]
    assert [hit.scores for hit in terms] == [{"sparse": hit.score} for hit in terms]
    hybrid = {hit.point_id.int: hit for hit in store.search(ACME, name, Query(mode=Mode.HYBRID, **query))}
    assert next(iter(hybrid)) == 1
    assert hybrid.keys() == {1, 2, 3, 4}
    assert hybrid[1].scores == {"dense": dense[0].score, "sparse": terms[0].score, "fused": hybrid[1].score}
    assert hybrid[2].scores.keys() == {"dense", "fused"}
    assert [hit.score for hit in hybrid.values()] == sorted((h.score for h in hybrid.values()), reverse=True)


@pytest.mark.parametrize("mode", Mode)
def test_limits(store: VectorStore, name: str, mode: Mode) -> None:
    store.upsert(ACME, name, [point(n, "word") for n in range(1, 31)])
    for limit in (0, 1, 7, 500):
        query = Query(mode=mode, text="word", vector=(1, 0, 0, 0), limit=limit)
        assert len(store.search(ACME, name, query)) == min(limit, 30)


def test_a_question_without_terms_finds_by_meaning_only(store: VectorStore, name: str) -> None:
    store.upsert(ACME, name, [point(1, "word"), point(2, "")])
    for text in ("", "?!", "the"):
        assert sparse(store, name, text) == []
        hybrid = store.search(ACME, name, Query(mode=Mode.HYBRID, text=text, vector=(1, 0, 0, 0)))
        assert sorted(found(hybrid)) == [1, 2]


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
def test_words_of_many_scripts_are_found(store: VectorStore, name: str, text: str, question: str) -> None:
    store.upsert(ACME, name, [point(1, text), point(2, "something else, 別の")])
    assert found(sparse(store, name, question)) == [1]


@pytest.mark.parametrize(
    "bad", ["", "../x", "a/b", ".hidden", "a\x00", "a\n", "x" * 102, "Kelvin\u212a", "a b", "-x", "a\\b"]
)
def test_a_name_that_could_be_a_path_is_refused(store: VectorStore, bad: str) -> None:
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
def test_a_vector_that_is_none_is_refused(
    store: VectorStore, name: str, vectors: list[tuple[float, ...]]
) -> None:
    with pytest.raises(VectorStoreError) as error:
        store.upsert(ACME, name, [point(n, vector=vector) for n, vector in enumerate(vectors)])
    assert (error.value.code, error.value.retryable) == ("invalid_vector", False)


def test_a_vector_of_another_length_is_refused_and_does_no_harm(store: VectorStore, name: str) -> None:
    store.upsert(ACME, name, [point(1)])
    for call in (
        lambda: store.upsert(ACME, name, [point(2, vector=(1.0, 0.0))]),
        lambda: store.search(ACME, name, Query(mode=Mode.DENSE, vector=(1.0, 0.0))),
    ):
        with pytest.raises(VectorStoreError) as error:
            call()
        assert (error.value.code, error.value.retryable) == ("vector_store_rejected", False)
    assert ids(store, name) == [1]


def test_a_search_by_meaning_needs_a_vector(store: VectorStore, name: str) -> None:
    for mode in (Mode.DENSE, Mode.HYBRID):
        with pytest.raises(VectorStoreError, match="needs the query's vector"):
            store.search(ACME, name, Query(mode=mode, text="word"))


def test_metadata_that_is_no_scalar_is_refused(store: VectorStore, name: str) -> None:
    with pytest.raises(VectorStoreError, match="must be text, a number"):
        store.upsert(ACME, name, [point(1, nested={"a": 1})])


def test_a_server_that_is_away_is_worth_a_retry() -> None:
    from knowledge.vectors.server import QdrantServerStore

    with pytest.raises(VectorStoreError, match="QDRANT_URL") as error:
        QdrantServerStore(url="http://127.0.0.1:1").scroll(ACME, NAME, Filter())
    assert (error.value.code, error.value.retryable) == ("vector_store_unavailable", True)
