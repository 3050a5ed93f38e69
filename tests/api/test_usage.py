"""What an organisation uses, in all and by workspace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.isolation.scope import tenant_scope
from knowledge.models import Chunk, IngestionJob
from knowledge.services.changing import delete_documents
from tests.api.conftest import Caller, key_of
from tests.api.test_manners import problem
from tests.conftest import Person
from tests.knowledge.libraries import BEES, RIVERS, Library, make_library
from workspaces.services import create_workspace

BROKEN = b"\x89PNG\r\n\x1a\n broken"
TODAY = datetime.now(UTC).date()


@pytest.fixture
def library(owner: Person, stranger: Person, tmp_path) -> Library:
    """Two documents, one of them replaced; one that failed, and one that was deleted. Somebody else has some, too."""
    make_library(stranger, tmp_path / "theirs").add("theirs.md", BEES)
    create_workspace(actor=owner.actor, name="Empty")
    library = make_library(owner, tmp_path / "own")
    for name, content in (("a.md", BEES), ("b.md", BEES), ("b.md", RIVERS + BEES), ("c.png", BROKEN)):
        library.add(name, content)
    delete_documents(actor=owner.actor, document_ids=[library.add("d.md", RIVERS).pk])
    library.work()
    return library


def usage(caller: Caller, asked: str = "") -> dict[str, Any]:
    answer = caller.get(f"usage/{asked}")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_it_tells_what_is_there_and_what_was_done(library: Library, caller: Caller):
    found = usage(caller)
    with tenant_scope(library.tenant_id):
        chunks = Chunk.objects.count()
    documents = library.documents().values()
    assert found == {
        "since": str(TODAY - timedelta(days=29)),
        "until": str(TODAY),
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
    }


def test_workspaces_have_their_parts_of_it_page_by_page(library: Library, caller: Caller):
    whole, found = usage(caller), []
    path = "workspaces/?limit=1"
    while path:
        page = usage(caller, path)
        found += page["results"]
        path = page["next"] and page["next"].partition("/usage/")[2]
    main, empty = found
    assert (main.pop("name"), empty.pop("name")) == ("Main", "Empty")
    assert main.pop("workspace") == str(library.reference.workspace_id) != empty.pop("workspace")
    assert main == {name: whole[name] for name in main}
    assert empty == {**dict.fromkeys(main, 0), "documents": dict.fromkeys(main["documents"], 0)}


def test_a_period_has_its_first_and_its_last_day(library: Library, caller: Caller):
    with tenant_scope(library.tenant_id):
        jobs = IngestionJob.objects.all()
        for when in ("2026-01-31T23:59:59.999999Z", "2026-02-01T00:00Z", "2026-02-28T23:59:59.999999Z"):
            one = jobs.filter(kind="ingest", state="done", finished_at__gt="2026-03-01T00:00Z")[:1]
            jobs.filter(pk__in=one.values("pk")).update(finished_at=when)
    for asked, expected in (
        ("since=2026-02-01&until=2026-02-28", 2),
        ("since=2026-02-28&until=2026-02-28", 1),
        ("until=2026-03-01", 3),
        ("until=2026-03-02", 2),
        ("since=2026-02-01", 3),
        ("until=0001-01-01", 0),
    ):
        found = usage(caller, f"?{asked}")
        assert (found["ingested"], found["documents"]["done"]) == (expected, 2), asked


@pytest.mark.parametrize(
    "asked",
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
def test_what_is_no_period_is_refused(caller: Caller, asked):
    for path in ("", "workspaces/"):
        told = problem(caller.get(f"usage/{path}?{asked}"), 422, "invalid")["errors"]
        assert [one["field"] for one in told] == [asked.partition("=")[0]]


def test_a_bound_key_is_not_told(owner: Person, library: Library):
    bound = key_of(owner, bound=("workspace", library.reference.workspace_id))
    for path in ("usage/", "usage/workspaces/"):
        assert problem(bound.get(path), 403, "key_bound")
