"""Adding documents to a reference, and replacing those whose files have changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import IntegrityError

from audit.services import record
from core import storage
from core.actors import Actor
from core.bulk_sql import insert_instances
from core.isolation.scope import tenant_scope
from core.models import new_id
from core.permissions import Role
from core.quota_kinds import QuotaKind
from core.quotas import charge
from jobs.errors import LeaseLostError
from knowledge.engine_config import file_parser, model_for
from knowledge.errors import (
    DocumentBusyError,
    DocumentExistsError,
    ReferenceNotFoundError,
    TagInvalidError,
    UploadInvalidError,
)
from knowledge.metadata import check_metadata
from knowledge.models import Document, DocumentStatus, DocumentTag, Reference, TagSource
from knowledge.pipeline.ports import versions_of
from knowledge.queueing import cancel_unfinished, enqueue, lock_documents
from knowledge.services.tags import clean_tag_names, set_document_tags
from knowledge.storage.files import store_document
from knowledge.storage.values import Upload

MAX_ATTEMPTS = 3


class UploadOutcome(StrEnum):
    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    KEPT = "kept"


class OnConflict(StrEnum):
    """What becomes of a document whose external id is added again."""

    REPLACE = "replace"
    ERROR = "error"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """`replaced_sha256` is of the file that another one has replaced, or empty."""

    document_id: UUID
    external_id: str
    outcome: UploadOutcome
    replaced_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What to do with one upload; `before` is the document that it replaces."""

    upload: Upload
    digest: storage.FileDigest
    before: Document | None
    document_id: UUID
    outcome: UploadOutcome
    replaced_sha256: str

    @property
    def generation(self) -> int:
        return self.before.file_generation + 1 if self.before else 1

    @property
    def added(self) -> Added:
        return Added(
            document_id=self.document_id,
            external_id=self.upload.external_id,
            outcome=self.outcome,
            replaced_sha256=self.replaced_sha256,
        )


def add_documents(
    *,
    actor: Actor,
    reference_id: UUID,
    uploads: Sequence[Upload],
    container: Document | None = None,
    on_conflict: OnConflict = OnConflict.REPLACE,
) -> list[Added]:
    """Store the files and queue them; one event in the audit log. To be called outside of a transaction.

    A file whose bytes OYL already has under that `external_id` is unchanged and costs nothing, unless it is in error,
    was made by other versions of the pipeline, or comes with other metadata or new tags. Raises
    ReferenceNotFoundError, UploadInvalidError, QuotaExceededError; DocumentExistsError, when conflicts are errors;
    LeaseLostError when the `container` was deleted or replaced meanwhile.
    """
    actor.require(Role.EDITOR)
    _check_uploads(uploads)
    for _ in range(MAX_ATTEMPTS):
        plans = [_resolved(plan, on_conflict) for plan in _plan(actor, reference_id, uploads, container)]
        changed = _changed(plans)
        paths = _store(actor, changed)
        try:
            if changed:
                _write(actor, reference_id, changed, paths, container)
        except (IntegrityError, DocumentBusyError) as error:
            storage.remove(paths.values())
            conflict = error  # one of the documents was added or replaced concurrently: plan again
        except BaseException:
            storage.remove(paths.values())
            raise
        else:
            return [plan.added for plan in plans]
    raise DocumentBusyError("The same files are being added by somebody else. Try again.") from conflict


def _changed(plans: Sequence[_Plan]) -> list[_Plan]:
    """Two callers that add the same names insert them in the same order, to avoid deadlocks."""
    changed = (plan for plan in plans if plan.outcome in (UploadOutcome.ADDED, UploadOutcome.UPDATED))
    return sorted(changed, key=lambda plan: plan.upload.external_id)


def _store(actor: Actor, plans: Sequence[_Plan]) -> dict[UUID, str]:
    """Return the path of each document's file."""
    paths = {
        plan.document_id: store_document(plan.upload.path, actor.tenant_id, plan.document_id, plan.generation)
        for plan in plans
    }
    storage.flush(paths.values())
    return paths


def _resolved(plan: _Plan, on_conflict: OnConflict) -> _Plan:
    """Raises DocumentExistsError."""
    if plan.before is None or on_conflict is OnConflict.REPLACE:
        return plan
    if on_conflict is OnConflict.ERROR:
        raise DocumentExistsError(f"The reference has a document '{plan.upload.external_id}' already.")
    return replace(plan, outcome=UploadOutcome.KEPT, replaced_sha256="")


def _check_uploads(uploads: Sequence[Upload]) -> None:
    if len({upload.external_id for upload in uploads}) < len(uploads):
        raise UploadInvalidError("Two of the files have the same name.")
    for upload in uploads:
        if not upload.external_id or len(upload.external_id) > 1024 or "\x00" in upload.external_id:
            raise UploadInvalidError(f"'{upload.filename}' has no usable name (1 to 1024 characters).")
        check_metadata(upload.metadata, upload.filename)
        try:
            clean_tag_names(upload.tags or ())
        except TagInvalidError as error:
            raise UploadInvalidError(f"'{upload.filename}': {error}") from error


def _plan(
    actor: Actor, reference_id: UUID, uploads: Sequence[Upload], container: Document | None
) -> list[_Plan]:
    """Raises ReferenceNotFoundError."""
    tags: dict[UUID, dict[str, str]] = defaultdict(dict)
    with tenant_scope(actor.tenant_id):
        reference: Reference | None = Reference.objects.filter(pk=reference_id).first()
        if reference is None:
            raise ReferenceNotFoundError
        present = Document.objects.filter(
            reference_id=reference_id, external_id__in=[upload.external_id for upload in uploads]
        ).defer("text")
        documents = {document.external_id: document for document in present}
        if any(upload.tags is not None for upload in uploads):
            links = DocumentTag.objects.filter(document__in=[document.pk for document in present])
            for document_id, tag, source in links.values_list("document_id", "tag__tag", "source"):
                tags[document_id][tag] = source
    plans = []
    for upload in uploads:
        before, digest = documents.get(upload.external_id), storage.digest(upload.path)
        if before is None:
            outcome, document_id = UploadOutcome.ADDED, new_id()
        else:
            is_same = before.container_id == (container.pk if container else None) and _is_unchanged(
                before, upload, digest, tags[before.pk], reference
            )
            outcome = UploadOutcome.UNCHANGED if is_same else UploadOutcome.UPDATED
            document_id = before.pk
        replaced = before.sha256 if before and before.sha256 != digest.sha256 else ""
        plans.append(
            _Plan(
                upload=upload,
                digest=digest,
                before=before,
                document_id=document_id,
                outcome=outcome,
                replaced_sha256=replaced,
            )
        )
    return plans


def _is_unchanged(
    document: Document,
    upload: Upload,
    digest: storage.FileDigest,
    tags: dict[str, str],
    reference: Reference,
) -> bool:
    """Whether ingesting the upload would change nothing. `tags` are the document's: {name: source}."""
    if document.sha256 != digest.sha256 or document.processed_status == DocumentStatus.ERROR:
        return False
    versions = versions_of(file_parser(), model_for(reference), document.mime_type, reference.chunk_settings)
    if document.processed_status == DocumentStatus.DONE and document.versions != versions:
        return False
    if upload.metadata and upload.metadata != document.metadata_json:
        return False
    if upload.tags is None:
        return True
    names = {*clean_tag_names(upload.tags)}
    imported = {tag for tag, source in tags.items() if source == upload.tag_source == TagSource.IMPORT}
    return tags.keys() >= names >= imported


def _write(
    actor: Actor,
    reference_id: UUID,
    plans: Sequence[_Plan],
    paths: dict[UUID, str],
    container: Document | None,
) -> None:
    """Write and queue the documents in one transaction. Raises LeaseLostError; IntegrityError and DocumentBusyError
    after a concurrent change of one of them."""
    replaced = [plan.document_id for plan in plans if plan.before]
    with tenant_scope(actor.tenant_id):
        reference = Reference.objects.select_related("workspace").get(pk=reference_id)
        charge(actor=actor, amounts=_amounts(plans), workspace_id=reference.workspace_id)
        if container:  # locked until the members are written
            rows = Document.objects.filter(pk=container.pk, file_generation=container.file_generation)
            if not rows.select_for_update(no_key=True).values_list("pk"):
                raise LeaseLostError
        lock_documents(replaced)
        documents = [_updated_or_new(plan, paths[plan.document_id], reference, container) for plan in plans]
        insert_instances([document for document in documents if document._state.adding])
        for document, plan in zip(documents, plans, strict=True):
            if plan.upload.tags is not None:
                set_document_tags([document], plan.upload.tags, plan.upload.tag_source, actor)
        cancel_unfinished(replaced)
        enqueue(documents, run_id=actor.run_id)
        record(
            actor=actor,
            action="documents.added",
            target=documents[0] if len(documents) == 1 else reference,
            workspace_id=reference.workspace_id,
            new={str(plan.document_id): plan.outcome for plan in plans},
        )


def _amounts(plans: Sequence[_Plan]) -> dict[QuotaKind, int]:
    """What the plans add; a smaller file that replaces a larger one gives some bytes back."""
    sizes = [plan.digest.size_bytes - (plan.before.size_bytes if plan.before else 0) for plan in plans]
    return {
        QuotaKind.DOCUMENTS: sum(plan.before is None for plan in plans),
        QuotaKind.STORAGE: sum(sizes),
    }


def _updated_or_new(plan: _Plan, path: str, reference: Reference, container: Document | None) -> Document:
    """Update the document that the plan replaces, or return a new one that is not inserted yet. Raises DocumentBusyError
    when the document was replaced or deleted meanwhile."""
    fields: dict[str, Any] = {
        "container": container,  # None: an upload takes a document out of the container that it was found in
        "file_path": path,
        "sha256": plan.digest.sha256,
        "size_bytes": plan.digest.size_bytes,
        "file_generation": plan.generation,
    }
    if plan.before is None:
        return Document(
            pk=plan.document_id,
            reference=reference,
            external_id=plan.upload.external_id,
            filename=plan.upload.filename[:255],
            metadata_json=plan.upload.metadata,
            **fields,
        )
    if plan.upload.metadata:
        fields["metadata_json"] = plan.upload.metadata
    if plan.upload.renames:
        fields["filename"] = plan.upload.filename[:255]
    rows = Document.objects.filter(pk=plan.document_id, file_generation=plan.before.file_generation)
    if not rows.update(processed_status=DocumentStatus.PENDING, **fields):
        raise DocumentBusyError
    plan.before.file_generation = plan.generation
    return plan.before
