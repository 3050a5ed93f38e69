"""What is no inconsistency, and what is one but stops nothing else. Each kind is planted, found and repaired in
tests/proof/consistency."""

from __future__ import annotations

import os
import time
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditLog
from core.errors import ForbiddenError
from core.isolation.scope import tenant_scope
from engines.vectors import Filter, Point, VectorStoreError
from knowledge.models import Document
from knowledge.reconcile import comparison
from knowledge.reconcile.comparison import reconcile
from knowledge.reconcile.findings import FindingKind, Report
from knowledge.services.tags import tag_documents
from knowledge.storage.files import DOCUMENT_FILES
from tests.conftest import Person
from tests.knowledge.libraries import BEES, RIVERS, Library, default_ports
from tests.knowledge.test_commands import run_failing
from tests.knowledge.test_recovery import Killed, before, end_leases, kill, work_until


def compare(library: Library, *, repair: bool = False) -> Report:
    ports = default_ports()
    return reconcile(actor=library.person.actor, store=ports.store, model=ports.embedder.model, repair=repair)


def missing_point(library: Library, document: Document) -> None:
    ports = default_ports()
    ports.store.delete(library.tenant_id, ports.collection, Filter(document_ids=(document.pk,)))


def orphan_point(library: Library, document: Document) -> None:
    ports = default_ports()
    point = Point(
        id=uuid4(),
        document_id=document.pk,
        reference_id=document.reference_id,
        generation=document.generation,
        vector=[1.0] + [0.0] * 383,
        text="bees",
    )
    ports.store.upsert(library.tenant_id, ports.collection, [point])


def orphan_file(library: Library, name: str) -> str:
    stray = default_storage.save(
        f"{DOCUMENT_FILES.folder(library.tenant_id, uuid4())}/{name}", ContentFile(b"x")
    )
    long_ago = time.time() - 3600
    os.utime(default_storage.path(stray), (long_ago, long_ago))
    return stray


def test_work_in_progress_is_no_finding(library: Library) -> None:
    library.queue(library.upload("bees.md", BEES))
    assert compare(library).counts == {}


def test_a_job_that_ends_meanwhile_is_no_finding(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.queue(library.upload("bees.md", BEES))
    with pytest.raises(Killed):
        work_until(library, "publish", kill)
    end_leases(library)
    before(monkeypatch, comparison, "_file_findings", library.work)  # the points have been compared by then
    assert compare(library, repair=True).counts == {}
    assert "bees" in library.find("bees")[0].text


def test_a_document_replaced_between_two_looks_is_no_finding(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = library.add("bees.md", BEES)
    orphan_point(library, document)  # or nobody would look twice
    before(monkeypatch, comparison, "_without_busy", lambda: library.add("bees.md", RIVERS))
    assert compare(library).counts == {}


def test_tags_that_are_on_their_way_are_no_finding(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    document = library.add("bees.md", BEES)
    tag_documents(actor=library.person.actor, document_ids=[document.pk], tags=["mine"])
    ports, (point,) = default_ports(), library.points(document)

    def write(tags: tuple[UUID, ...]) -> None:
        ports.store.set_tags(library.tenant_id, ports.collection, {point.id: tags})

    write(())
    before(monkeypatch, time, "sleep", lambda: write(point.tag_ids))
    assert compare(library).counts == {}


def test_a_file_that_is_just_being_stored_is_no_finding(library: Library) -> None:
    os.utime(default_storage.path(orphan_file(library, "1")))
    assert compare(library).counts == {}


def test_what_a_link_leads_to_is_no_finding(library: Library) -> None:
    document = library.add("bees.md", BEES)
    path = Path(default_storage.path(document.file_path))
    path.parent.with_name("link").symlink_to(path.parent)
    assert compare(library, repair=True).counts == {}
    assert path.exists()


def test_texts_are_not_read(library: Library) -> None:
    missing_point(library, library.add("bees.md", BEES))
    with CaptureQueriesContext(connection) as queries:
        assert compare(library).counts == {FindingKind.MISSING_POINT: 1}
    assert not [query["sql"] for query in queries if '"text"' in query["sql"]]


def test_another_tenants_points_are_left_alone(library: Library, foreign_library: Library) -> None:
    library.add("bees.md", BEES)
    foreign = foreign_library.add("rivers.md", RIVERS)
    orphan_point(foreign_library, foreign)
    assert compare(library, repair=True).counts == {}
    assert compare(foreign_library).counts == {FindingKind.ORPHAN_POINT: 1}


def test_a_repair_is_in_the_audit_log(library: Library) -> None:
    orphan_point(library, library.add("bees.md", BEES))
    compare(library, repair=True)
    with tenant_scope(library.tenant_id):
        event = AuditLog.objects.get(action="tenant.reconciled")
    assert event.payload_json["new"] == {"orphan_point": 1, "repaired": 1}


def test_a_viewer_may_not(library: Library, viewer: Person) -> None:
    ports = default_ports()
    with pytest.raises(ForbiddenError):
        reconcile(actor=viewer.actor, store=ports.store, model=ports.embedder.model)


def test_files_are_compared_while_the_vector_store_is_away(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    stray = orphan_file(library, "1")
    away = VectorStoreError("vector_store_unavailable", "It is away.")
    before(monkeypatch, comparison, "_point_findings", lambda: (_ for _ in ()).throw(away))
    report, complaint = run_failing("reconcile", person=library.person)
    assert [(one["kind"], one["subject"]) for one in report["findings"]] == [("orphan_file", stray)]
    assert complaint == "1 inconsistencies are left. It is away."


def test_a_file_that_cannot_be_removed_is_named_and_stops_nothing(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = library.add("bees.md", BEES)
    orphan_point(library, document)
    first, second = sorted([orphan_file(library, "1"), orphan_file(library, "1")])
    real = default_storage.delete

    def refuse(name: str) -> None:
        if name == first:
            raise PermissionError(13, "Permission denied", name)
        real(name)

    monkeypatch.setattr(default_storage, "delete", refuse)
    report, complaint = run_failing("reconcile", "--repair", person=library.person)
    assert report["repaired"] == 2 and "Permission denied" in complaint and first in complaint
    assert default_storage.exists(first) and not default_storage.exists(second)


def test_a_file_that_is_not_ours_does_not_stop_a_replacement(library: Library) -> None:
    document = library.add("bees.md", BEES)
    stray = default_storage.save(
        f"{DOCUMENT_FILES.folder(library.tenant_id, document.pk)}/notes.bak", ContentFile(b"x")
    )
    assert library.add("bees.md", RIVERS).processed_status == "done"
    assert default_storage.exists(stray)
