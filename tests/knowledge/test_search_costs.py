"""What a search costs in statements, vector calls and embeddings: figures that no machine makes smaller or larger."""

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
from knowledge.search.filters import SearchFilters
from knowledge.search.found_chunks import hydrate
from knowledge.search.service import search
from knowledge.services.references import create_knowledge_base
from tests.conftest import Person
from tests.knowledge.costs import add_rows, buffers
from tests.knowledge.libraries import BEES, Library

TableOwner = Callable[[UUID], AbstractContextManager[CursorWrapper]]

# BEGIN, the tenant, passages with their tags, the event, COMMIT.
STATEMENTS = 5
# BEGIN, the tenant, one question, COMMIT.
NAMES = 4


@pytest.fixture
def asked(library: Library) -> Library:
    """A library with something to find, and a process that has searched before."""
    library.add("bees.md", BEES, tags=("insects", "dances"), metadata={"year": 1927})
    library.add("honey.md", "Honey bees and honey.\n", tags=("insects",))
    assert len(library.find("bees")) == 2
    return library


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], list[None]]:
    """`calls(thing, "method")` is a list that grows by one with each call of the real method."""

    def count(thing: Any, method: str) -> list[None]:
        made, real = list[None](), getattr(type(thing), method)

        def counted(*args: Any, **options: Any) -> Any:
            made.append(None)
            return real(*args, **options)

        monkeypatch.setattr(type(thing), method, counted)
        return made

    return count


def knowledge_base(library: Library) -> Any:
    with tenant_scope(library.tenant_id):
        assistant = Assistant.objects.create(workspace_id=library.reference.workspace_id, name="Guide")
    base = create_knowledge_base(actor=library.person.actor, assistant_id=assistant.pk, name="Nature")
    with tenant_scope(library.tenant_id):
        base.reference_links.create(reference=library.reference)
    return base.pk


def test_statements_and_vector_calls_of_a_search(
    asked: Library, calls: Callable[[Any, str], list[None]]
) -> None:
    queries, base = calls(vector_store(), "_query"), knowledge_base(asked)
    cases: list[tuple[int, dict[str, Any]]] = [
        (STATEMENTS, {}),
        (STATEMENTS, {"references": (asked.reference.pk,)}),
        (STATEMENTS, {"metadata": {"year": {"gte": 1900}}}),
        (STATEMENTS + NAMES, {"tags_any": ("insects", "dances", "mammals")}),
        (STATEMENTS + NAMES, {"tags_all": ("insects", "dances"), "tags_none": ("mammals",)}),
        (STATEMENTS + NAMES, {"knowledge_base": base}),
        (STATEMENTS + NAMES + 1, {"knowledge_base": base, "tags_any": ("dances",)}),
    ]
    for number, (statements, filters) in enumerate(cases, start=1):
        with CaptureQueriesContext(connection) as captured:
            assert search(actor=asked.person.actor, query="bees", filters=SearchFilters(**filters))
        assert len(captured) == statements, (filters, [query["sql"] for query in captured])
        assert len(queries) == number


def test_neither_mode_nor_limit_changes_that(asked: Library, calls: Callable[[Any, str], list[None]]) -> None:
    queries = calls(vector_store(), "_query")
    for number, (mode, limit) in enumerate(product(Mode, (2, 1000)), start=1):
        with CaptureQueriesContext(connection) as captured:
            found = search(actor=asked.person.actor, query="honey bees", mode=mode, limit=limit)
        assert (len(found), len(captured), len(queries)) == (2, STATEMENTS, number)


def test_what_cannot_match_asks_no_vectors(asked: Library, calls: Callable[[Any, str], list[None]]) -> None:
    queries, embeddings = calls(vector_store(), "_query"), calls(default_embedder(), "embed")
    for nothing in ({"references": ()}, {"documents": ()}, {"tags_any": ("unknown",)}):
        assert asked.find(f"bees {uuid4()}", **nothing) == []
    assert asked.find(" ") == []
    assert queries == embeddings == []


def test_a_repeated_query_is_not_embedded_again(
    asked: Library, viewer: Person, calls: Callable[[Any, str], list[None]]
) -> None:
    embeddings = calls(default_embedder(), "embed")
    question = f"bees {uuid4()}"
    for filters in (None, SearchFilters(references=(asked.reference.pk,)), None):
        search(actor=viewer.actor, query=question, filters=filters)
        search(actor=asked.person.actor, query=f" {question} ", filters=filters)
    assert len(embeddings) == 1


def test_a_search_by_words_is_not_embedded(asked: Library, calls: Callable[[Any, str], list[None]]) -> None:
    embeddings = calls(default_embedder(), "embed")
    search(actor=asked.person.actor, audited=False, query=f"bees {uuid4()}", mode=Mode.SPARSE)
    assert embeddings == []


def test_the_documents_text_is_not_loaded_for_hits(asked: Library) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert asked.find("bees")
    column = f'"{Document._meta.db_table}"."text"'
    assert not [query for query in captured if column in query["sql"]]


def test_passages_are_looked_up_by_their_ids_however_many_documents_there_are(
    library: Library, table_owner: TableOwner
) -> None:
    """The planner knows little of a tenant: it must have no chance to begin with all its documents or tags."""
    few = buffers_of_hydrating(library, table_owner, documents=200)
    many = buffers_of_hydrating(library, table_owner, documents=1800)
    assert many < 2 * few


def buffers_of_hydrating(library: Library, table_owner: TableOwner, *, documents: int) -> int:
    """Pages that PostgreSQL touches to say what 20 hits are, in a tenant that grows by so many documents and tags.

    Statistics are made first, as they are at work a minute later: until then, those of emptier tables would count.
    """
    with tenant_scope(library.tenant_id):
        chunks = add_rows(library, documents)
    with table_owner(library.tenant_id) as cursor:
        cursor.execute('ANALYZE workspaces, "references", documents, chunks, tags, tag_links')
    hits = [Hit(point_id=chunk.pk, score=1.0, scores={}) for chunk in chunks[:: documents // 20][:20]]
    with tenant_scope(library.tenant_id):
        with CaptureQueriesContext(connection) as captured:
            found = hydrate(hits, len(hits))
        assert [(len(hit.tags), hit.filename) for hit in found] == [(1, "a.md")] * 20
        return sum(map(buffers, [query["sql"] for query in captured]))
