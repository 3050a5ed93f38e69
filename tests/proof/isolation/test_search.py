"""Searches by the intruder with forged collections, filters and ids, through every layer down to the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.errors import OylError
from engines.vectors import Filter, Mode, Point, Query, StoredPoint, VectorStore, VectorStoreError
from knowledge.engine_config import default_embedder, vector_store
from knowledge.pipeline.ports import collection_name
from knowledge.pipeline.values import tag_id
from knowledge.search.filters import SearchFilters
from knowledge.search.service import search
from tests.conftest import make_owner
from tests.knowledge.libraries import Library, make_library
from tests.proof.isolation.collections import FORGED_COLLECTIONS

WORD = "quagga"
QUERY = f"Where do the {WORD}s graze?"
MODES = pytest.mark.parametrize("mode", list(Mode))


@pytest.fixture(scope="module")
def theirs(database: None, tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The victim's library, with one chunk and a tag."""
    library = make_library(make_owner(), tmp_path_factory.mktemp("theirs"))
    library.add("secret.md", f"# Secret\n\nThe last {WORD}s graze behind the mill.\n", tags=("stripes",))
    return library


@pytest.fixture(scope="module")
def mine(database: None, tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The intruder's library, with a document of the same words, so that searches find something."""
    library = make_library(make_owner(), tmp_path_factory.mktemp("mine"))
    library.add("own.md", f"# Own\n\nOur {WORD}s graze in the garden.\n", tags=("stripes",))
    return library


@pytest.fixture(scope="module")
def store(theirs: Library, mine: Library) -> VectorStore:
    return vector_store()


@pytest.fixture
def collection() -> str:
    return collection_name(default_embedder().model)


@pytest.fixture
def secret(theirs: Library) -> StoredPoint:
    (document,) = theirs.documents().values()
    (point,) = theirs.points(document)
    return point


@pytest.fixture(autouse=True)
def unchanged(theirs: Library, store: VectorStore, collection: str) -> Iterator[None]:
    """Checks after each test that the victim's points have not changed."""
    before = store.scroll(theirs.tenant_id, collection, Filter(), with_vectors=True)
    assert before
    yield
    assert store.scroll(theirs.tenant_id, collection, Filter(), with_vectors=True) == before


def foreign_conditions(secret: StoredPoint, theirs: Library) -> list[dict[str, Any]]:
    tag = tag_id(secret.reference_id, "stripes")
    return [
        {"reference_ids": (secret.reference_id,)},
        {"document_ids": (secret.document_id,)},
        {"point_ids": (secret.id,)},
        {"tags_any": (tag,)},
        {"tags_all": (tag,)},
        {"metadata": {"tenant_id": str(theirs.tenant_id)}},
        {"metadata": {"tenant_id": [str(theirs.tenant_id)]}},
        {"document_ids": (secret.document_id,), "below_generation": 1000},
    ]


@MODES
def test_forged_filters_find_nothing_in_the_store(
    mode: Mode,
    store: VectorStore,
    collection: str,
    secret: StoredPoint,
    theirs: Library,
    mine: Library,
    counted: Counter[str],
):
    vector = secret_vector(theirs, store, collection)
    for condition in foreign_conditions(secret, theirs):
        query = Query(mode=mode, text=WORD, vector=vector, filter=Filter(**condition))
        assert store.search(mine.tenant_id, collection, query) == []
        assert store.scroll(mine.tenant_id, collection, Filter(**condition)) == []
        counted["forged searches"] += 2
    hits = store.search(mine.tenant_id, collection, Query(mode=mode, text=WORD, vector=vector, limit=1000))
    assert hits and secret.id not in {hit.point_id for hit in hits}


def secret_vector(theirs: Library, store: VectorStore, collection: str) -> tuple[float, ...]:
    (point,) = store.scroll(theirs.tenant_id, collection, Filter(), with_vectors=True)
    assert point.vector
    return point.vector


@MODES
def test_forged_filters_find_what_absent_ones_find(
    mode: Mode, secret: StoredPoint, theirs: Library, mine: Library, counted: Counter[str]
):
    for field in ("references", "documents", "knowledge_base", "metadata"):
        foreign, absent = (_found(mine, mode, {field: value}) for value in _values(field, secret, theirs))
        counted["forged searches"] += 2
        assert foreign == absent == []
    assert [
        passage.filename for passage in search(actor=mine.person.actor, audited=False, query=QUERY, mode=mode)
    ] == ["own.md"]


def _values(field: str, secret: StoredPoint, theirs: Library) -> tuple[Any, Any]:
    if field == "metadata":
        return {"tenant_id": str(theirs.tenant_id)}, {"tenant_id": str(uuid4())}
    pk = {"references": secret.reference_id, "documents": secret.document_id}.get(field, secret.reference_id)
    return (pk, uuid4()) if field == "knowledge_base" else ((pk,), (uuid4(),))


def _found(library: Library, mode: Mode, condition: dict[str, Any]) -> Any:
    try:
        return search(
            actor=library.person.actor,
            audited=False,
            query=QUERY,
            mode=mode,
            filters=SearchFilters(**condition),
        )
    except (OylError, VectorStoreError) as error:
        return type(error)


def test_points_with_foreign_ids_change_and_reveal_nothing(
    store: VectorStore, collection: str, secret: StoredPoint, theirs: Library, mine: Library
):
    """Points are upserted, tagged and deleted with the victim's ids, and with own ids that refer to the victim's rows."""
    vector = secret_vector(theirs, store, collection)
    forged = Point(
        id=secret.id,
        document_id=secret.document_id,
        reference_id=secret.reference_id,
        generation=secret.generation,
        vector=vector,
        text=WORD,
        metadata={"tenant_id": str(theirs.tenant_id)},
    )
    twin = replace(forged, id=uuid4())
    store.upsert(mine.tenant_id, collection, [forged, twin])
    store.set_tags(mine.tenant_id, collection, {secret.id: ()})
    for mode in Mode:
        passages = search(actor=mine.person.actor, audited=False, query=QUERY, mode=mode, limit=100)
        assert [passage.filename for passage in passages] == ["own.md"]
    store.delete(mine.tenant_id, collection, Filter(point_ids=(secret.id, twin.id)))


def test_own_point_with_a_foreign_document_reveals_nothing(
    store: VectorStore, collection: str, secret: StoredPoint, theirs: Library, mine: Library, tmp_path: Path
):
    """Even if the store returned the foreign point, PostgreSQL would not."""
    vector = secret_vector(theirs, store, collection)
    planted = Point(
        id=UUID(int=secret.id.int ^ 1),
        document_id=secret.document_id,
        reference_id=secret.reference_id,
        generation=1,
        vector=vector,
        text=WORD,
    )
    store.upsert(mine.tenant_id, collection, [planted])
    found = search(
        actor=mine.person.actor,
        audited=False,
        query=QUERY,
        filters=SearchFilters(documents=(secret.document_id,)),
    )
    store.delete(mine.tenant_id, collection, Filter(point_ids=(planted.id,)))
    assert found == []


@pytest.mark.parametrize("name", FORGED_COLLECTIONS)
def test_forged_collections_are_refused(name: str, store: VectorStore, mine: Library):
    with pytest.raises(VectorStoreError) as error:
        store.scroll(mine.tenant_id, name, Filter())
    assert error.value.code == "invalid_collection"
