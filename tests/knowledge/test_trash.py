"""Deleting into the trash, restoring, and removing for good."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from core.errors import ForbiddenError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from core.quota_kinds import QuotaKind
from core.quotas import standings
from jobs.states import JobState
from knowledge.errors import DocumentExistsError, DocumentNotFoundError, TrashError
from knowledge.models import Document, IngestionJob, JobKind, Reference
from knowledge.services.changing import TRASH_DAYS, delete_documents
from knowledge.services.references import delete_references
from knowledge.services.tags import tag_documents
from knowledge.services.trash import (
    delete_for_good,
    restore_documents,
    restore_reference,
    trashed_documents,
)
from tests.conftest import make_member
from tests.knowledge.libraries import BEES, RIVERS, Library, sources


def trash(library: Library, *documents: Document) -> None:
    ids = [document.pk for document in documents]
    delete_documents(actor=library.person.actor, document_ids=ids, to_trash=True)
    library.work()


def stored(library: Library, kind: QuotaKind) -> int:
    with tenant_scope(library.tenant_id):
        return next(one.used for one in standings() if one.kind == kind)


def in_trash(library: Library) -> set[str]:
    with tenant_scope(library.tenant_id):
        return {document.filename for document in trashed_documents()}


def test_restored_document_is_found_again_with_its_tags(library: Library):
    document = library.add("bees.md", BEES)
    tag_documents(actor=library.person.actor, document_ids=[document.pk], tags=["insects"])
    trash(library, document)
    assert library.find("honey bees") == [] and library.points(document) == []
    assert in_trash(library) == {"bees.md"} and default_storage.exists(document.file_path)
    assert restore_documents(actor=library.person.actor, document_ids=[document.pk]) == 1
    library.work()
    (hit,) = library.find("honey bees")
    assert sources(hit) == {"insects": "manual"}
    assert in_trash(library) == set()
    assert library.document(document.pk).trashed_until is None


def test_what_is_deleted_for_good_leaves_nothing(library: Library):
    document = library.add("bees.md", BEES)
    size = stored(library, QuotaKind.STORAGE)
    trash(library, document)
    assert (stored(library, QuotaKind.DOCUMENTS), stored(library, QuotaKind.STORAGE)) == (0, size)
    delete_for_good(actor=library.person.actor, document_ids=[document.pk])
    library.work()
    assert not default_storage.exists(document.file_path)
    assert library.document(document.pk).text == "" and stored(library, QuotaKind.STORAGE) == 0
    with pytest.raises(DocumentNotFoundError):
        restore_documents(actor=library.person.actor, document_ids=[document.pk])


def test_trash_is_emptied_after_its_time(library: Library):
    document = library.add("bees.md", BEES)
    trash(library, document)
    with tenant_scope(library.tenant_id):
        job = IngestionJob.objects.get(document=document, kind=JobKind.PURGE)
        assert job.state == JobState.WAITING
        assert (
            timedelta(0)
            <= timezone.now() + timedelta(days=TRASH_DAYS) - job.available_at
            < timedelta(hours=1)
        )
        past = timezone.now() - timedelta(seconds=1)
        Document.with_deleted.filter(pk=document.pk).update(trashed_until=past)
        IngestionJob.objects.filter(pk=job.pk).update(available_at=past)
    library.work()
    assert not default_storage.exists(document.file_path)


def test_what_was_inside_is_restored_with_it(library: Library):
    library.add(
        "mail.eml",
        b"Subject: Bees\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
        b"Content-Disposition: attachment; filename=note.txt\n\nHoney bees.\n--b--\n",
    )
    assert len(library.documents()) == 2
    trash(library, library.documents()["mail.eml"])
    restore_documents(actor=library.person.actor, document_ids=[_id(library, "mail.eml")])
    assert set(library.documents()) == {"mail.eml", "mail.eml/note.txt"}


def _id(library: Library, name: str) -> Any:
    with tenant_scope(library.tenant_id):
        return Document.with_deleted.get(external_id=name).pk


def test_place_that_is_taken_is_not_restored_over(library: Library):
    document = library.add("bees.md", BEES)
    trash(library, document)
    library.add("bees.md", RIVERS)
    with pytest.raises(DocumentExistsError):
        restore_documents(actor=library.person.actor, document_ids=[document.pk])


def test_reference_comes_back_with_its_documents(library: Library):
    document = library.add("bees.md", BEES)
    actor = library.person.actor
    with tenant_scope(library.tenant_id):
        delete_references(actor=actor, references=[library.reference], to_trash=True)
    library.work()
    with pytest.raises(TrashError):
        restore_documents(actor=actor, document_ids=[document.pk])
    assert restore_reference(actor=actor, reference_id=library.reference.pk) == 1
    library.work()
    assert library.find("honey bees")
    with tenant_scope(library.tenant_id):
        assert Reference.objects.filter(pk=library.reference.pk).exists()


def test_viewer_and_stranger_restore_nothing(library: Library, stranger: Any):
    document = library.add("bees.md", BEES)
    trash(library, document)
    viewer = make_member(library.tenant_id, Role.VIEWER)
    for service in (restore_documents, delete_for_good):
        with pytest.raises(ForbiddenError):
            service(actor=viewer.actor, document_ids=[document.pk])
        with pytest.raises(DocumentNotFoundError):
            service(actor=stranger.actor, document_ids=[document.pk])
