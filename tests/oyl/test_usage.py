"""Usage of a tenant, in total and by workspace."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.isolation.scope import tenant_scope
from knowledge.models import Chunk, IngestionJob
from knowledge.services.changing import delete_documents
from knowledge.services.references import create_reference
from tests.conftest import Person
from tests.knowledge.libraries import BEES, RIVERS, Library, make_library
from tests.support.api_client import Caller, assert_problem, make_caller
from workspaces.services import create_workspace

BROKEN = b"\x89PNG\r\n\x1a\n broken"
TODAY = datetime.now(UTC).date()


@pytest.fixture
def library(owner: Person, stranger: Person, tmp_path) -> Library:
    """Two documents, one of them replaced; one that failed, and one that was deleted. Another tenant has one, too."""
    make_library(stranger, tmp_path / "theirs").add("theirs.md", BEES)
    create_workspace(actor=owner.actor, name="Empty")
    library = make_library(owner, tmp_path / "own")
    for name, content in (("a.md", BEES), ("b.md", BEES), ("b.md", RIVERS + BEES), ("c.png", BROKEN)):
        library.add(name, content)
    delete_documents(actor=owner.actor, document_ids=[library.add("d.md", RIVERS).pk])
    library.work()
    return library


def usage(caller: Caller, path: str = "") -> dict[str, Any]:
    response = caller.get(f"usage/{path}")
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


# There are none: tests/conversations has their figures.
OF_CONVERSATIONS = ("conversations", "messages", "answers", "answer_tokens", "ratings")


def test_usage_counts_objects_and_ingestion(library: Library, caller: Caller):
    figures = usage(caller)
    with tenant_scope(library.tenant_id):
        chunks = Chunk.objects.count()
    documents = library.documents().values()
    assert figures == {
        "since": str(TODAY - timedelta(days=29)),
        "until": str(TODAY),
        "quotas": figures["quotas"],
        "embedding_tokens": figures["embedding_tokens"],
        "search_units": 0,
        "events": figures["events"],
        "members": 1,
        "api_keys": 1,
        "workspaces": 2,
        "assistants": 0,
        "references": 1,
        "documents": {"pending": 0, "processing": 0, "done": 2, "error": 1},
        "document_bytes": sum(document.size_bytes for document in documents),
        "files": 0,
        "file_bytes": 0,
        "chunks": chunks,
        "ingested": 4,
        "ingested_chunks": chunks + 2,
        "failed": 1,
        **{name: nothing_of({name: figures[name]})[name] for name in OF_CONVERSATIONS},
    }
    quotas = {one["kind"]: one["used"] for one in figures["quotas"]}
    assert quotas == {
        "storage_bytes": figures["document_bytes"],
        "documents": 3,
        "chunks": chunks,
        "kept_answer_bytes": 0,
        **{
            kind: figures[kind]
            for kind in ("embedding_tokens", "search_units", "events", "answers", "answer_tokens")
        },
    }
    assert figures["embedding_tokens"] > 50 and figures["events"] > 5


def nothing_of(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: nothing_of(figure) if isinstance(figure, dict) else 0 for name, figure in figures.items()}


def test_usage_by_workspace_is_paginated(library: Library, caller: Caller):
    total, rows = usage(caller), []
    path = "workspaces/?limit=1"
    while path:
        page = usage(caller, path)
        rows += page["results"]
        path = page["next"] and page["next"].partition("/usage/")[2]
    main, empty = rows
    assert (main.pop("name"), empty.pop("name")) == ("Main", "Empty")
    assert main.pop("workspace") == str(library.reference.workspace_id) != empty.pop("workspace")
    assert main == {name: total[name] for name in main}
    assert empty == nothing_of(main)


def test_period_includes_its_first_and_last_day(library: Library, caller: Caller):
    with tenant_scope(library.tenant_id):
        jobs = IngestionJob.objects.all()
        for moment in ("2026-01-31T23:59:59.999999Z", "2026-02-01T00:00Z", "2026-02-28T23:59:59.999999Z"):
            job = jobs.filter(kind="ingest", state="done", finished_at__gt="2026-03-01T00:00Z")[:1]
            jobs.filter(pk__in=job.values("pk")).update(finished_at=moment)
    for query, expected in (
        ("since=2026-02-01&until=2026-02-28", 2),
        ("since=2026-02-28&until=2026-02-28", 1),
        ("until=2026-03-01", 3),
        ("until=2026-03-02", 2),
        ("since=2026-02-01", 3),
        ("until=0001-01-01", 0),
    ):
        figures = usage(caller, f"?{query}")
        assert (figures["ingested"], figures["documents"]["done"]) == (expected, 2), query


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "until=2026-02-30",
        "until=",
        "until=2026-01-01&until=2026-01-02",
        "since=9999-12-31",
        "day=2026-01-01",
        "cursor=x",
    ],
)
def test_invalid_period_is_refused(caller: Caller, query):
    for path in ("", "workspaces/"):
        errors = assert_problem(caller.get(f"usage/{path}?{query}"), 422, "invalid")["errors"]
        assert [error["field"] for error in errors] == [query.partition("=")[0]]


def test_models_and_languages_of_references(owner: Person, library: Library, caller: Caller):
    german = "Honigbienen tanzen, um ihren Schwestern zu zeigen, wo die Blumen stehen.\n"
    other = create_reference(actor=owner.actor, workspace_id=library.reference.workspace_id, name="Deutsch")
    replace(library, reference=other).add("bienen.md", german)
    rows = {row["name"]: row for row in caller.get("usage/references/").json()["results"]}
    assert rows["Files"]["reference"] == str(library.reference.pk)
    assert {name: (row["model"], row["languages"]) for name, row in rows.items()} == {
        "Files": ("all-MiniLM-L6-v2-int8", [{"language": "en", "passages": 3}]),
        "Deutsch": ("multilingual-e5-small-int8", [{"language": "de", "passages": 1}]),
    }


def test_bound_key_cannot_read_usage(owner: Person, library: Library):
    bound = make_caller(owner, bound=("workspace", library.reference.workspace_id))
    for path in ("usage/", "usage/workspaces/", "usage/references/"):
        assert assert_problem(bound.get(path), 403, "key_bound")
