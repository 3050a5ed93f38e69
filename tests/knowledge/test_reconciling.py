"""False alarms that must not occur, and problems that must not stop the rest. Each kind of finding is caused, found and
repaired in tests/proof/consistency."""

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
from tests.knowledge.commands import run_failing
from tests.knowledge.interruptions import Killed, before, end_leases, kill, work_until
from tests.knowledge.libraries import BEES, RIVERS, Library, default_ports


def compare(library: Library, *, repair: bool = False) -> Report:
    ports = default_ports()
    return reconcile(actor=library.person.actor, store=ports.store, repair=repair)


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
    orphan = default_storage.save(
        f"{DOCUMENT_FILES.folder(library.tenant_id, uuid4())}/{name}", ContentFile(b"x")
    )
    hour_ago = time.time() - 3600
    os.utime(default_storage.path(orphan), (hour_ago, hour_ago))
    return orphan


def test_queued_document_is_not_reported(library: Library) -> None:
    library.queue(library.upload("bees.md", BEES))
    assert compare(library).counts == {}


def test_job_that_ends_meanwhile_is_not_reported(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.queue(library.upload("bees.md", BEES))
    with pytest.raises(Killed):
        work_until(library, "publish", kill)
    end_leases(library)
    before(monkeypatch, comparison, "_file_findings", library.work)  # after the points were compared
    assert compare(library, repair=True).counts == {}
    assert "bees" in library.find("bees")[0].text


def test_document_replaced_meanwhile_is_not_reported(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = library.add("bees.md", BEES)
    orphan_point(library, document)  # so that there is a finding to recheck
    before(monkeypatch, comparison, "_without_busy", lambda: library.add("bees.md", RIVERS))
    assert compare(library).counts == {}


def test_tags_being_indexed_are_not_reported(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    document = library.add("bees.md", BEES)
    tag_documents(actor=library.person.actor, document_ids=[document.pk], tags=["mine"])
    ports, (point,) = default_ports(), library.points(document)

    def index_tags(tags: tuple[UUID, ...]) -> None:
        ports.store.set_tags(library.tenant_id, ports.collection, {point.id: tags})

    index_tags(())
    before(monkeypatch, time, "sleep", lambda: index_tags(point.tag_ids))
    assert compare(library).counts == {}


def test_new_file_is_not_reported(library: Library) -> None:
    os.utime(default_storage.path(orphan_file(library, "1")))
    assert compare(library).counts == {}


def test_linked_folder_is_not_reported(library: Library) -> None:
    document = library.add("bees.md", BEES)
    path = Path(default_storage.path(document.file_path))
    path.parent.with_name("link").symlink_to(path.parent)
    assert compare(library, repair=True).counts == {}
    assert path.exists()


def test_texts_are_not_loaded(library: Library) -> None:
    missing_point(library, library.add("bees.md", BEES))
    with CaptureQueriesContext(connection) as queries:
        assert compare(library).counts == {FindingKind.MISSING_POINT: 1}
    assert not [query["sql"] for query in queries if '"text"' in query["sql"]]


def test_points_of_other_tenants_are_not_repaired(library: Library, foreign_library: Library) -> None:
    library.add("bees.md", BEES)
    foreign = foreign_library.add("rivers.md", RIVERS)
    orphan_point(foreign_library, foreign)
    assert compare(library, repair=True).counts == {}
    assert compare(foreign_library).counts == {FindingKind.ORPHAN_POINT: 1}


def test_repair_is_audited(library: Library) -> None:
    orphan_point(library, library.add("bees.md", BEES))
    compare(library, repair=True)
    with tenant_scope(library.tenant_id):
        event = AuditLog.objects.get(action="tenant.reconciled")
    assert event.payload_json["new"] == {"orphan_point": 1, "repaired": 1}


def test_viewer_may_not_reconcile(library: Library, viewer: Person) -> None:
    ports = default_ports()
    with pytest.raises(ForbiddenError):
        reconcile(actor=viewer.actor, store=ports.store)


def test_files_are_compared_without_a_vector_store(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    orphan = orphan_file(library, "1")
    error = VectorStoreError("vector_store_unavailable", "It is away.")
    before(monkeypatch, comparison, "_point_findings", lambda: (_ for _ in ()).throw(error))
    report, error_text = run_failing("reconcile", person=library.person)
    assert [(one["kind"], one["subject"]) for one in report["findings"]] == [("orphan_file", orphan)]
    assert error_text == "1 inconsistencies are left. It is away."


def test_undeletable_file_is_reported_and_others_repaired(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = library.add("bees.md", BEES)
    orphan_point(library, document)
    first, second = sorted([orphan_file(library, "1"), orphan_file(library, "1")])
    real_delete = default_storage.delete

    def delete(name: str) -> None:
        if name == first:
            raise PermissionError(13, "Permission denied", name)
        real_delete(name)

    monkeypatch.setattr(default_storage, "delete", delete)
    report, error_text = run_failing("reconcile", "--repair", person=library.person)
    assert report["repaired"] == 2 and "Permission denied" in error_text and first in error_text
    assert default_storage.exists(first) and not default_storage.exists(second)


def test_unknown_file_does_not_stop_a_replacement(library: Library) -> None:
    document = library.add("bees.md", BEES)
    other = default_storage.save(
        f"{DOCUMENT_FILES.folder(library.tenant_id, document.pk)}/notes.bak", ContentFile(b"x")
    )
    assert library.add("bees.md", RIVERS).processed_status == "done"
    assert default_storage.exists(other)
