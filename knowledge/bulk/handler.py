"""How bulk changes are claimed: one at a time, in the queue of ingestion. Some documents are changed, then the job says
which are left, so that a repeated run goes on there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.actors import Actor, ActorKind
from core.errors import OylError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from jobs.errors import LeaseLostError
from jobs.handlers import JobHandler
from jobs.progress import JobProgress
from jobs.queue import lock_held
from jobs.states import JobState
from knowledge.errors import DocumentNotFoundError
from knowledge.models import BulkChange, BulkKind
from knowledge.queueing import QUEUE
from knowledge.services.applied_rules import apply_rules
from knowledge.services.changing import delete_documents, reindex_documents, retry_documents
from knowledge.services.editing import DocumentChanges, change_document
from knowledge.services.tags import tag_documents, untag_documents

# So many documents are changed in one transaction.
AT_ONCE = 100
MAX_FAILURES = 100


class BulkHandler(JobHandler[BulkChange]):
    model = BulkChange
    queue = QUEUE

    def work(self, tenant_id: UUID, batch: Sequence[BulkChange], progress: JobProgress) -> None:
        (change,) = batch
        actor = Actor(
            kind=ActorKind.USER,
            tenant_id=tenant_id,
            role=Role.EDITOR,
            credential="bulk change",
            user_id=change.user_id,
        )
        while change.document_ids:
            progress(change.kind, done=change.done, total=change.total)
            ids, change.document_ids = change.document_ids[:AT_ONCE], change.document_ids[AT_ONCE:]
            failures = {**change.failures_json, **_changed(actor, change, ids)}
            change.failures_json = dict(list(failures.items())[:MAX_FAILURES])
            with tenant_scope(tenant_id):
                if not lock_held(self, batch):
                    raise LeaseLostError
                row = BulkChange.objects.filter(pk=change.pk)
                row.update(document_ids=change.document_ids, failures_json=change.failures_json)
        with tenant_scope(tenant_id):
            held = BulkChange.objects.held(batch).locked()
            held.finish(JobState.DONE, timings_json=progress.timings())

    def progress_columns(self, stage: str, done: int, total: int) -> dict[str, Any]:
        """What is left says it."""
        return {}


def _changed(actor: Actor, change: BulkChange, ids: Sequence[UUID]) -> dict[str, str]:
    """Change these; return why some could not be, by document. Those that were deleted meanwhile are passed over."""
    tags, failures = change.arguments_json.get("tags", []), dict[str, str]()
    try:
        match BulkKind(change.kind):
            case BulkKind.RETRY:
                retry_documents(actor=actor, document_ids=ids)
            case BulkKind.REINDEX:
                reindex_documents(actor=actor, document_ids=ids)
            case BulkKind.TAG:
                tag_documents(actor=actor, document_ids=ids, tags=tags)
            case BulkKind.UNTAG:
                untag_documents(actor=actor, document_ids=ids, tags=tags)
            case BulkKind.DELETE:
                delete_documents(actor=actor, document_ids=ids, to_trash=True)
            case BulkKind.RULES:
                apply_rules(actor=actor, document_ids=ids)
            case BulkKind.MOVE:
                failures = _moved(actor, ids, UUID(change.arguments_json["reference"]))
    except DocumentNotFoundError:
        pass
    return failures


def _moved(actor: Actor, ids: Sequence[UUID], reference_id: UUID) -> dict[str, str]:
    failures = {}
    for pk in ids:
        try:
            changes = DocumentChanges(reference_id=reference_id)
            change_document(actor=actor, document_id=pk, changes=changes)
        except DocumentNotFoundError:
            continue
        except OylError as error:
            failures[str(pk)] = str(error)
    return failures
