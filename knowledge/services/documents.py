"""Adding, replacing, deleting, retrying and re-indexing documents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Q

from audit.services import record
from core import storage
from core.actors import Actor
from core.bulk_sql import insert_instances
from core.isolation.scope import tenant_scope
from core.models import new_id
from core.permissions import Role
from jobs.errors import LeaseLostError
from knowledge.engine_config import file_parser, model_for
from knowledge.errors import (
    DocumentBusyError,
    DocumentNotFoundError,
    ReferenceNotFoundError,
    UploadInvalidError,
)
from knowledge.metadata import check_metadata
from knowledge.models import Document, DocumentStatus, DocumentTag, JobKind, Reference, TagSource
from knowledge.pipeline.ports import versions_of
from knowledge.queueing import cancel_unfinished, enqueue, lock_documents, requeue
from knowledge.services.tags import clean_names, set_document_tags
from knowledge.storage.files import store_document
from knowledge.storage.values import Upload


class UploadOutcome(StrEnum):
    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    document_id: UUID
    external_id: str
    outcome: UploadOutcome


_Tags = dict[UUID, dict[str, str]]  # a document's tags, and their sources


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is to be done with one upload; `before` is the document that it replaces."""

    upload: Upload
    digest: storage.FileDigest
    before: Document | None
    document_id: UUID
    outcome: UploadOutcome

    @property
    def generation(self) -> int:
        return self.before.file_generation + 1 if self.before else 1


def add_documents(
    *, actor: Actor, reference_id: UUID, uploads: Sequence[Upload], container: Document | None = None
) -> list[Added]:
    """Store the files and queue them; one event in the audit log. To be called outside of a transaction.

    A file whose bytes OYL has under that `external_id` already is unchanged and costs nothing, unless it is in error,
    was made by other versions of the pipeline, or comes with other metadata or new tags. Raises ReferenceNotFoundError,
    UploadInvalidError, and LeaseLostError when the `container` that it was found in was deleted or replaced meanwhile.
    """
    actor.require(Role.EDITOR)
    _check(uploads)
    for _ in range(3):
        plans = _plan(actor, reference_id, uploads, container.pk if container else None)
        stored = _store(actor, plans)
        try:
            with tenant_scope(actor.tenant_id):
                _write(actor, reference_id, plans, stored, container)
            return [
                Added(document_id=p.document_id, external_id=p.upload.external_id, outcome=p.outcome)
                for p in plans
            ]
        except LeaseLostError:
            storage.remove(stored.values())
            raise
        except (IntegrityError, DocumentBusyError) as error:
            # Somebody else added or replaced one of them at the same moment: look again.
            storage.remove(stored.values())
            lost = error
    raise DocumentBusyError("The same files are being added by somebody else. Try again.") from lost


def _check(uploads: Sequence[Upload]) -> None:
    identities = {upload.external_id for upload in uploads}
    if len(identities) < len(uploads):
        raise UploadInvalidError("Two of the files have the same name.")
    for upload in uploads:
        if not upload.external_id or len(upload.external_id) > 1024 or "\x00" in upload.external_id:
            raise UploadInvalidError(f"'{upload.filename}' has no usable name (1 to 1024 characters).")
        check_metadata(upload.metadata, upload.filename)


def _plan(
    actor: Actor, reference_id: UUID, uploads: Sequence[Upload], container_id: UUID | None
) -> list[_Plan]:
    with tenant_scope(actor.tenant_id):
        reference: Reference | None = Reference.objects.filter(pk=reference_id).first()
        if reference is None:
            raise ReferenceNotFoundError
        found = Document.objects.filter(
            reference_id=reference_id, external_id__in=[upload.external_id for upload in uploads]
        ).defer("text")
        before = {document.external_id: document for document in found}
        tags = _tags_of(found) if any(upload.tags is not None for upload in uploads) else {}
    return [
        _plan_one(upload, before.get(upload.external_id), reference, tags, container_id) for upload in uploads
    ]


def _tags_of(documents: Iterable[Document]) -> _Tags:
    tags: _Tags = defaultdict(dict)
    links = DocumentTag.objects.filter(document__in=[document.pk for document in documents])
    for document_id, tag, source in links.values_list("document_id", "tag__tag", "source"):
        tags[document_id][tag] = source
    return tags


def _plan_one(
    upload: Upload, before: Document | None, reference: Reference, tags: _Tags, container_id: UUID | None
) -> _Plan:
    digest = storage.digest(upload.path)
    if before is None:
        return _Plan(
            upload=upload, digest=digest, before=None, document_id=new_id(), outcome=UploadOutcome.ADDED
        )
    is_same = _is_unchanged(before, digest, reference) and _says_the_same(before, upload, tags)
    is_same = is_same and before.container_id == container_id
    outcome = UploadOutcome.UNCHANGED if is_same else UploadOutcome.UPDATED
    return _Plan(upload=upload, digest=digest, before=before, document_id=before.pk, outcome=outcome)


def _is_unchanged(document: Document, digest: storage.FileDigest, reference: Reference) -> bool:
    if document.sha256 != digest.sha256 or document.processed_status == DocumentStatus.ERROR:
        return False
    present = versions_of(file_parser(), model_for(reference), document.mime_type, reference.chunk_settings)
    return document.processed_status != DocumentStatus.DONE or document.versions == present


def _says_the_same(document: Document, upload: Upload, tags: _Tags) -> bool:
    if upload.metadata and upload.metadata != document.metadata_json:
        return False
    if upload.tags is None:
        return True
    said, before = clean_names(upload.tags), tags.get(document.pk, {})
    imported = [tag for tag, source in before.items() if source == upload.tag_source == TagSource.IMPORT]
    return before.keys() >= {*said} >= {*imported}


def _store(actor: Actor, plans: Sequence[_Plan]) -> dict[UUID, str]:
    stored = {
        plan.document_id: store_document(plan.upload.path, actor.tenant_id, plan.document_id, plan.generation)
        for plan in plans
        if plan.outcome != UploadOutcome.UNCHANGED
    }
    storage.flush(stored.values())
    return stored


def _write(
    actor: Actor,
    reference_id: UUID,
    plans: Sequence[_Plan],
    stored: dict[UUID, str],
    container: Document | None,
) -> None:
    # In an order that all agree on: whoever adds the same names at the same moment waits, and is not waited for.
    changed = sorted(
        (plan for plan in plans if plan.outcome != UploadOutcome.UNCHANGED),
        key=lambda plan: plan.upload.external_id,
    )
    if not changed:
        return
    if container:
        _lock_container(container)
    lock_documents([plan.document_id for plan in changed if plan.before])
    reference = Reference.objects.select_related("workspace").get(pk=reference_id)
    documents = [
        _replace(plan, stored[plan.document_id], container)
        if plan.before
        else _new(plan, reference, stored, container)
        for plan in changed
    ]
    insert_instances([d for d, plan in zip(documents, changed, strict=True) if not plan.before])
    for document, plan in zip(documents, changed, strict=True):
        if plan.upload.tags is not None:
            set_document_tags([document], plan.upload.tags, plan.upload.tag_source, actor)
    cancel_unfinished([plan.document_id for plan in changed if plan.before])
    enqueue(documents)
    record(
        actor=actor,
        action="documents.added",
        target=documents[0] if len(documents) == 1 else reference,
        workspace_id=reference.workspace_id,
        new={str(plan.document_id): plan.outcome for plan in changed},
    )


def _lock_container(container: Document) -> None:
    """Until the members are written, nobody deletes or replaces what they were found in. Raises LeaseLostError when
    somebody has."""
    present = Document.objects.filter(pk=container.pk, file_generation=container.file_generation)
    if not present.select_for_update(no_key=True).values_list("pk"):
        raise LeaseLostError


def _new(plan: _Plan, reference: Reference, stored: dict[UUID, str], container: Document | None) -> Document:
    return Document(
        pk=plan.document_id,
        reference=reference,
        container=container,
        external_id=plan.upload.external_id,
        filename=plan.upload.filename[:255],
        metadata_json=plan.upload.metadata,
        **_file_facts(plan, stored[plan.document_id]),
    )


def _replace(plan: _Plan, file_path: str, container: Document | None) -> Document:
    """What was found in a container and is now uploaded is no longer the container's. Raises DocumentBusyError when
    somebody else replaced or deleted the document meanwhile."""
    assert plan.before is not None
    pending = {"processed_status": DocumentStatus.PENDING, "container": container}
    facts = {**_file_facts(plan, file_path), **pending}
    if plan.upload.metadata:
        facts["metadata_json"] = plan.upload.metadata
    unmoved = Document.objects.filter(pk=plan.document_id, file_generation=plan.before.file_generation)
    if not unmoved.update(**facts):
        raise DocumentBusyError
    plan.before.file_generation = plan.generation
    return plan.before


def _file_facts(plan: _Plan, file_path: str) -> dict[str, Any]:
    return {
        "file_path": file_path,
        "sha256": plan.digest.sha256,
        "size_bytes": plan.digest.size_bytes,
        "file_generation": plan.generation,
    }


def delete_documents(*, actor: Actor, document_ids: Sequence[UUID]) -> int:
    """Hide the documents, and what was found inside them, at once; their passages, points and files go next.

    The number deleted. Raises DocumentNotFoundError when none of the ids is a document's.
    """
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        documents = list(_with_members(document_ids))
        if not documents:
            raise DocumentNotFoundError
        ids = [document.pk for document in documents]
        Document.objects.filter(pk__in=ids).soft_delete()
        cancel_unfinished(ids)
        enqueue(documents, JobKind.PURGE)
        record(
            actor=actor,
            action="documents.deleted",
            target=documents[0] if len(documents) == 1 else None,
            workspace_id=documents[0].reference.workspace_id,
            old={str(document.pk): document.sha256 for document in documents},
        )
    return len(documents)


def _with_members(document_ids: Sequence[UUID]) -> Iterator[Document]:
    alive = Document.objects.select_related("reference").defer("text").order_by("pk")
    found = list(alive.filter(pk__in=document_ids).select_for_update(of=("self",)))
    while found:
        yield from found
        found = list(
            alive.filter(container__in=[d.pk for d in found])
            .exclude(pk__in=document_ids)
            .select_for_update(of=("self",))
        )


def set_metadata(*, actor: Actor, document_id: UUID, metadata: dict[str, Any]) -> None:
    """Say something else of a document, and make its passages anew, which are filtered by it. Raises
    DocumentNotFoundError, UploadInvalidError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        found = Document.objects.filter(pk=document_id).select_related("reference").defer("text")
        document = found.select_for_update(of=("self",)).first()
        if document is None:
            raise DocumentNotFoundError
        check_metadata(metadata, document.filename)
        old = document.metadata_json
        if old == metadata:
            return
        found.update(metadata_json=metadata)
        requeue([document])
        record(
            actor=actor,
            action="document.described",
            target=document,
            workspace_id=document.reference.workspace_id,
            old={"metadata": old},
            new={"metadata": metadata},
        )


def retry_documents(*, actor: Actor, document_ids: Sequence[UUID]) -> int:
    """Queue again those that are in error; their number."""
    failed = Q(pk__in=document_ids, processed_status=DocumentStatus.ERROR)
    return _requeue_where(actor, failed, "documents.retried")


def reindex_documents(*, actor: Actor, document_ids: Sequence[UUID]) -> int:
    """Make a new generation from the stored files: new tags, rules or versions; the number of documents. Passages whose
    text did not change keep their vectors."""
    return _requeue_where(actor, Q(pk__in=document_ids), "documents.reindexed")


def _requeue_where(actor: Actor, which: Q, action: str) -> int:
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        found = Document.objects.filter(which).order_by("pk").select_related("reference").defer("text")
        documents = list(found.select_for_update(of=("self",)))
        if documents:
            requeue(documents)
            record(
                actor=actor,
                action=action,
                target=documents[0] if len(documents) == 1 else None,
                workspace_id=documents[0].reference.workspace_id,
                new={str(document.pk): "queued" for document in documents},
            )
    return len(documents)
