"""What ingestion costs in statements, vector calls and embeddings: figures that no machine makes smaller or larger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.isolation.scope import tenant_scope
from jobs import progress
from knowledge.engine_config import default_embedder, vector_store
from knowledge.models import IngestionJob
from knowledge.services.adding import UploadOutcome
from tests.knowledge.libraries import BEES, RIVERS, Library, work

Calls = dict[str, int]
SCOPE = 3  # BEGIN, the tenant, COMMIT
# What there is already; then reference, documents, jobs and event are read or written.
ADDING = SCOPE + 2 + SCOPE + 4
# Claimed; loaded; flipped: as often for many documents as for one.
WORKING = (SCOPE + 4) + (SCOPE + 4) + (SCOPE + 9)
# Besides: what is known of the passages, and which are tagged by hand; members that went; two scopes of cleaning.
WORKING_AGAIN = WORKING - 1 + 2 + (SCOPE + 1) + (SCOPE + 1) + (SCOPE + 4)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """How often the ports' methods are called, which do what they always do."""
    made: Calls = {}

    def count(thing: Any, method: str) -> None:
        real = getattr(type(thing), method)

        def counted(*args: Any, **options: Any) -> Any:
            made[method] = made.get(method, 0) + 1
            return real(*args, **options)

        monkeypatch.setattr(type(thing), method, counted)

    for method in ("_upsert", "_scroll", "_delete", "_set_payload"):
        count(vector_store(), method)
    count(default_embedder(), "embed")
    return made


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine tells more often how far it is."""
    monkeypatch.setattr(progress, "REPORT_SECONDS", 3600.0)


def statements(step: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        step()
    print(*(query["sql"][:120] for query in captured), sep="\n")  # shown when the test fails
    return len(captured)


@pytest.mark.parametrize("documents", [1, 20])
def test_new_documents_cost_the_same_however_many_there_are(library: Library, calls: Calls, documents: int):
    uploads = [library.upload(f"{n}.md", f"# Number {n}\n\n{BEES * n}") for n in range(1, documents + 1)]
    assert statements(lambda: library.queue(*uploads)) == ADDING
    assert statements(lambda: work(library.tenant_id)) == WORKING
    assert calls == {"embed": 1, "_upsert": 1}
    assert len(library.documents()) == documents


@pytest.mark.parametrize("documents", [1, 20])
def test_unchanged_documents_cost_a_look(library: Library, calls: Calls, documents: int):
    uploads = [library.upload(f"{n}.md", BEES) for n in range(documents)]
    library.queue(*uploads)
    library.work()
    calls.clear()
    added = []
    assert statements(lambda: added.extend(library.queue(*uploads))) == SCOPE + 2
    assert {one.outcome for one in added} == {UploadOutcome.UNCHANGED}
    assert calls == {}
    with tenant_scope(library.tenant_id):
        assert IngestionJob.objects.count() == documents


def test_a_changed_document_embeds_what_is_new(library: Library, calls: Calls):
    library.add("a.md", BEES)
    calls.clear()
    library.queue(library.upload("a.md", BEES + RIVERS))
    assert statements(lambda: work(library.tenant_id)) == WORKING_AGAIN
    assert calls == {"embed": 1, "_upsert": 1, "_delete": 1}
