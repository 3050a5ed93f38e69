"""A step reaches what belongs to its workflow's workspace, wherever an id comes from, and for every way to start the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from assistants.models import Assistant
from core.isolation.scope import tenant_scope
from jobs.states import JobState
from knowledge.models import Chunk, Document, Reference, TagLink
from tests.conftest import Person
from tests.conversations.conftest import Desk, make_desk
from tests.knowledge.libraries import Library
from tests.support.api_client import make_caller
from tests.workflows.benches import Bench, make_bench
from workflows.models import StartedBy
from workflows.services.running import start_run
from workspaces.models import IntegrationConfig, Workspace

STEPS: dict[str, dict[str, Any]] = {
    "tag documents": {"type": "tag", "config": {"documents": "input.document", "tags": ["taken"]}},
    "untag": {"type": "tag", "config": {"documents": "input.document", "tags": ["taken"], "remove": True}},
    "tag passages": {"type": "tag", "config": {"passages": "[input.passage]", "tags": ["taken"]}},
    "retrieve": {"type": "retrieve", "config": {"query": "bees", "documents": "[input.document]"}},
}


@pytest.fixture
def desk(owner: Person, tmp_path: Any) -> Desk:
    """Its assistant and library are in the workspace 'Main'."""
    return make_desk(owner, tmp_path / "own")


@pytest.fixture
def elsewhere(desk: Desk) -> Bench:
    """Another workspace of the same organisation."""
    return make_bench(desk.person, "Elsewhere")


@pytest.fixture
def theirs(stranger: Person) -> Bench:
    return make_bench(stranger)


def ids_of(library: Library) -> dict[str, str]:
    with tenant_scope(library.tenant_id):
        chunk = Chunk.objects.filter(document__filename="bees.md").first()
        assert chunk
        return {"document": str(chunk.document_id), "passage": str(chunk.pk)}


@pytest.mark.parametrize("name", list(STEPS))
def test_ids_of_others_are_unknown(desk: Desk, elsewhere: Bench, theirs: Bench, name: str) -> None:
    ids = ids_of(desk.library)
    for bench in (elsewhere, theirs):
        assert bench.error(STEPS[name], **ids) == "not_in_workspace"
    with tenant_scope(desk.person.tenant_id):
        assert not TagLink.objects.filter(tag__tag="taken").exists()
    make_bench(desk.person).output(STEPS[name], **ids)


def test_a_search_finds_nothing_of_another_workspace(desk: Desk, elsewhere: Bench) -> None:
    step = {"type": "retrieve", "config": {"query": "honey bees dance", "min_score": 0}}
    assert make_bench(desk.person).output(step)["count"] > 0
    assert elsewhere.output(step)["count"] == 0
    with tenant_scope(elsewhere.tenant_id):
        Reference.objects.create(workspace=elsewhere.workspace, name="Empty")
    assert elsewhere.output(step)["count"] == 0


MOVED: dict[str, Callable[[Desk, Bench], tuple[type[Any], str, dict[str, Any]]]] = {
    "assistant": lambda desk, bench: (
        Assistant,
        str(desk.assistant.pk),
        {"type": "assistant", "assistant_id": desk.assistant.pk, "config": {"question": "Bees?"}},
    ),
    "integration": lambda desk, bench: (
        IntegrationConfig,
        own := bench.integration("webhook", url="https://example.org"),
        {"type": "http_request", "config": {"integration": own, "url": "/a"}},
    ),
    "model": lambda desk, bench: (
        IntegrationConfig,
        own := bench.integration("chat_model", url="https://example.org/v1", model="m"),
        {"type": "llm", "instruction": "Say hello.", "config": {"integration": own}},
    ),
    "reference": lambda desk, bench: (
        Reference,
        own := str(desk.library.reference.pk),
        {"type": "ingest", "config": {"reference": own, "external_id": "a.md", "text": "b"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(MOVED))
def test_what_has_left_the_workspace_is_unknown_to_a_published_step(
    desk: Desk, elsewhere: Bench, kind: str
) -> None:
    bench = make_bench(desk.person)
    model, pk, step = MOVED[kind](desk, bench)
    workflow = bench.workflow({"key": "only", **step})
    with tenant_scope(bench.tenant_id):
        model.objects.filter(pk=pk).update(workspace=elsewhere.workspace)
    run = bench.go_on(workflow)
    assert run.state == JobState.ERROR
    assert bench.steps(run)[-1].error_code in ("not_in_workspace", "not_found")


def test_the_run_of_a_bound_key_stays_in_its_workspace(desk: Desk, elsewhere: Bench) -> None:
    """Its steps act for the run, which is bound by its workspace as the key is."""
    own = make_caller(desk.person, bound=("workspace", elsewhere.workspace.pk))
    with tenant_scope(elsewhere.tenant_id):
        Workspace.objects.create(name=f"Third {uuid4()}")
    workflow = elsewhere.workflow({"key": "only", **STEPS["tag documents"]})
    assert own.get(f"workflows/{workflow.pk}/").status_code == 200
    main = make_bench(desk.person).workflow({"key": "only", **STEPS["tag documents"]})
    assert own.get(f"workflows/{main.pk}/").status_code == 404
    run = start_run(workflow, input=ids_of(desk.library), actor=desk.person.actor, started_by=StartedBy.API)
    elsewhere.work()
    assert elsewhere.steps(run)[-1].error_code == "not_in_workspace"
    with tenant_scope(desk.person.tenant_id):
        assert not Document.objects.filter(document_tags__tag__tag="taken").exists()
