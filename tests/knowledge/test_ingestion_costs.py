"""The costs of ingestion that do not depend on the machine: statements, vector store calls and embeddings."""

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
SCOPE = 2  # BEGIN with the tenant, COMMIT
# Existing documents are read; then reference, documents, jobs and event are read or written, and two quotas counted.
ADDING = SCOPE + 2 + SCOPE + 4 + 2
# Claiming, the vocabulary, loading, charging tokens, publishing (with a lock of the references, their models and
# changes of these, and the triggers of workflows): the same for one document and for many.
WORKING = (SCOPE + 4) + (SCOPE + 1) + (SCOPE + 3) + (SCOPE + 1) + (SCOPE + 9 + 3 + 1 + 1)
# There are as many chunks as before: no quota is charged. In addition: reusable vectors and manual tags of the chunks;
# members that are gone; two scopes of clean-up.
WORKING_AGAIN = WORKING - 1 - 1 + 2 + (SCOPE + 1) + (SCOPE + 1) + (SCOPE + 4)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """How often methods of the ports are called."""
    counts: Calls = {}

    def count(instance: Any, name: str) -> None:
        method = getattr(type(instance), name)

        def counting(*args: Any, **options: Any) -> Any:
            counts[name] = counts.get(name, 0) + 1
            return method(*args, **options)

        monkeypatch.setattr(type(instance), name, counting)

    for name in ("_upsert", "_scroll", "_delete", "_set_payload"):
        count(vector_store(), name)
    count(default_embedder(), "embed")
    return counts


@pytest.fixture(autouse=True)
def no_progress_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine, progress would be stored more often."""
    monkeypatch.setattr(progress, "REPORT_SECONDS", 3600.0)


def statements(function: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        function()
    print(*(query["sql"][:120] for query in captured), sep="\n")  # shown when the test fails
    return len(captured)


@pytest.mark.parametrize("documents", [1, 20])
def test_costs_do_not_grow_with_new_documents(library: Library, calls: Calls, documents: int):
    uploads = [library.upload(f"{n}.md", f"# Number {n}\n\n{BEES * n}") for n in range(1, documents + 1)]
    assert statements(lambda: library.queue(*uploads)) == ADDING
    assert statements(lambda: work(library.tenant_id)) == WORKING
    assert calls == {"embed": 1, "_upsert": 1}
    assert len(library.documents()) == documents


@pytest.mark.parametrize("documents", [1, 20])
def test_unchanged_documents_only_cost_a_lookup(library: Library, calls: Calls, documents: int):
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


def test_changed_document_embeds_new_chunks_only(library: Library, calls: Calls):
    library.add("a.md", BEES)
    calls.clear()
    library.queue(library.upload("a.md", BEES + RIVERS))
    one_more_chunk_is_charged = 1
    assert statements(lambda: work(library.tenant_id)) == WORKING_AGAIN + one_more_chunk_is_charged
    assert calls == {"embed": 1, "_scroll": 1, "_upsert": 1, "_delete": 1}
