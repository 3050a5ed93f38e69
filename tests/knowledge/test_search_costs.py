"""The costs of a search that do not depend on the machine: statements, vector store calls and embeddings."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.test.utils import CaptureQueriesContext

from assistants.models import Assistant
from core.isolation.scope import tenant_scope
from engines.vectors import Hit, Mode
from knowledge.engine_config import default_embedder, vector_store
from knowledge.models import Document
from knowledge.search import passages
from knowledge.search.filters import SearchFilters
from knowledge.search.found_chunks import hydrate
from knowledge.search.service import search
from knowledge.services.references import create_knowledge_base
from tests.conftest import Person
from tests.knowledge.costs import add_rows, buffers
from tests.knowledge.libraries import BEES, Library

Calls = Callable[[Any, str], list[None]]
TableOwner = Callable[[UUID], AbstractContextManager[CursorWrapper]]

# BEGIN with the tenant, the units and the event's quota, the models, COMMIT; BEGIN with the tenant, chunks with their tags,
# the event, COMMIT.
STATEMENTS = 4 + 4
# BEGIN with the tenant, one query, COMMIT.
RESOLVING = 3
# The names of tags, one of which may be meant by a name that does not exist.
SUGGESTING = 1


@pytest.fixture
def searched(library: Library) -> Library:
    """A library with documents, in a process that has searched before."""
    library.add("bees.md", BEES, tags=("insects", "dances"), metadata={"year": 1927})
    library.add("honey.md", "Honey bees and honey.\n", tags=("insects",))
    assert len(library.find("bees")) == 2
    return library


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """`calls(instance, "method")` is a list that grows by one with each call of the method."""

    def record(instance: Any, name: str) -> list[None]:
        recorded, method = list[None](), getattr(type(instance), name)

        def recording(*args: Any, **options: Any) -> Any:
            recorded.append(None)
            return method(*args, **options)

        monkeypatch.setattr(type(instance), name, recording)
        return recorded

    return record


def knowledge_base(library: Library) -> Any:
    with tenant_scope(library.tenant_id):
        assistant = Assistant.objects.create(workspace_id=library.reference.workspace_id, name="Guide")
    base = create_knowledge_base(actor=library.person.actor, assistant_id=assistant.pk, name="Nature")
    with tenant_scope(library.tenant_id):
        base.reference_links.create(reference=library.reference)
    return base.pk


def test_statements_and_vector_store_calls(searched: Library, calls: Calls) -> None:
    queries, base = calls(vector_store(), "_query"), knowledge_base(searched)
    cases: list[tuple[int, dict[str, Any]]] = [
        (STATEMENTS, {}),
        (STATEMENTS, {"references": (searched.reference.pk,)}),
        (STATEMENTS, {"metadata": {"year": {"gte": 1900}}}),
        (STATEMENTS + RESOLVING, {"tags_any": ("insects", "dances")}),
        (STATEMENTS + RESOLVING + SUGGESTING, {"tags_any": ("insects", "mammals")}),
        (STATEMENTS + RESOLVING + SUGGESTING, {"tags_all": ("insects", "dances"), "tags_none": ("mammals",)}),
        (STATEMENTS + RESOLVING, {"knowledge_base": base}),
        (STATEMENTS + 2 * RESOLVING, {"knowledge_base": base, "tags_any": ("dances",)}),
    ]
    for number, (statements, filters) in enumerate(cases, start=1):
        with CaptureQueriesContext(connection) as captured:
            assert search(actor=searched.person.actor, query="bees", filters=SearchFilters(**filters))
        assert len(captured) == statements, (filters, [query["sql"] for query in captured])
        assert len(queries) == number


def test_costs_do_not_depend_on_mode_and_limit(searched: Library, calls: Calls) -> None:
    queries = calls(vector_store(), "_query")
    for number, (mode, limit) in enumerate(product(Mode, (2, 1000)), start=1):
        with CaptureQueriesContext(connection) as captured:
            chunks = search(actor=searched.person.actor, query="honey bees", mode=mode, limit=limit)
        assert (len(chunks), len(captured), len(queries)) == (2, STATEMENTS, number)


def test_unmatchable_filters_skip_the_vector_store(searched: Library, calls: Calls) -> None:
    queries, embeddings = calls(vector_store(), "_query"), calls(default_embedder(), "embed")
    for filters in ({"references": ()}, {"documents": ()}, {"tags_any": ("unknown",)}):
        assert searched.find(f"bees {uuid4()}", **filters) == []
    assert searched.find(" ") == []
    assert queries == embeddings == []


@pytest.mark.parametrize("query", ['"bees" {}', "bees {}", "{}"])
def test_texts_are_read_once_however_many_conditions_there_are(
    searched: Library, monkeypatch: pytest.MonkeyPatch, calls: Calls, query: str
) -> None:
    """Of phrases whose words are in too many passages; only some of them are looked up."""
    monkeypatch.setattr(passages, "MAX_CANDIDATES", 0)
    queries = calls(vector_store(), "_query")
    conditions = [*(f'-"honey bees {number}"' for number in range(15)), "-title:none", "-title:neither"]
    with CaptureQueriesContext(connection) as captured:
        assert len(searched.find(query.format(" ".join(conditions)))) == 2
    assert len([one for one in captured if "c.heading_path, d.filename" in one["sql"]]) == 1
    assert len(queries) <= passages.TRIED_WORDS + 1


def test_only_the_references_that_are_asked_for_are_read(
    searched: Library, foreign_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passages, "MAX_CANDIDATES", 0)
    read: list[str] = []

    def fold(text: str) -> str:
        read.append(text)
        return text.lower()

    monkeypatch.setattr(passages, "fold", fold)
    assert searched.find('"bees"', references=(uuid4(),)) == [] == read
    assert searched.find('"bees"', references=(searched.reference.pk,)) and read


def test_repeated_query_is_embedded_once(searched: Library, viewer: Person, calls: Calls) -> None:
    embeddings = calls(default_embedder(), "embed")
    question = f"bees {uuid4()}"
    for filters in (None, SearchFilters(references=(searched.reference.pk,)), None):
        search(actor=viewer.actor, query=question, filters=filters)
        search(actor=searched.person.actor, query=f" {question} ", filters=filters)
    assert len(embeddings) == 1


def test_sparse_search_needs_no_embedding(searched: Library, calls: Calls) -> None:
    embeddings = calls(default_embedder(), "embed")
    search(actor=searched.person.actor, audited=False, query=f"bees {uuid4()}", mode=Mode.SPARSE)
    assert embeddings == []


def test_document_texts_are_not_loaded(searched: Library) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert searched.find("bees")
    column = f'"{Document._meta.db_table}"."text"'
    assert not [query for query in captured if column in query["sql"]]


def test_loading_hits_does_not_scan_the_tenant(library: Library, table_owner: TableOwner) -> None:
    """The query planner does not know the size of a tenant, and must not be able to scan all its documents or tags."""
    few = blocks_read_by_hydrate(library, table_owner, documents=200)
    many = blocks_read_by_hydrate(library, table_owner, documents=1800)
    assert many < 2 * few


def blocks_read_by_hydrate(library: Library, table_owner: TableOwner, *, documents: int) -> int:
    """Return the number of blocks read to load 20 hits, after adding so many documents and tags to the tenant.

    Statistics are updated first, as autovacuum would a minute later, because the planner would use those of the emptier
    tables otherwise.
    """
    with tenant_scope(library.tenant_id):
        chunks = add_rows(library, documents)
    with table_owner(library.tenant_id) as cursor:
        cursor.execute('ANALYZE workspaces, "references", documents, chunks, tags, tag_links')
    hits = [Hit(point_id=chunk.pk, score=1.0, scores={}) for chunk in chunks[:: documents // 20][:20]]
    with tenant_scope(library.tenant_id):
        with CaptureQueriesContext(connection) as captured:
            loaded = hydrate(hits, len(hits))
        assert [(len(one.tags), one.filename) for one in loaded] == [(1, "a.md")] * 20
        return sum(map(buffers, [query["sql"] for query in captured]))
