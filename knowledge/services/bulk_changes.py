"""Asking for a change of many documents, which a worker makes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.services import record
from core.actors import Actor
from core.errors import InvalidError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from jobs.queue import notify_workers
from knowledge.errors import DocumentNotFoundError, ReferenceNotFoundError
from knowledge.models import BulkChange, BulkKind, Reference
from knowledge.queueing import QUEUE
from knowledge.services.tags import clean_tag_names

MAX_DOCUMENTS = 100_000


def queue_bulk_change(
    *,
    actor: Actor,
    kind: BulkKind,
    document_ids: Sequence[UUID],
    tags: Sequence[str] = (),
    reference_id: UUID | None = None,
) -> BulkChange:
    """Raises DocumentNotFoundError without documents, InvalidError for too many, TagInvalidError, ReferenceNotFoundError."""
    actor.require(Role.EDITOR)
    if not document_ids:
        raise DocumentNotFoundError
    if len(document_ids) > MAX_DOCUMENTS:
        raise InvalidError(f"Change at most {MAX_DOCUMENTS:,} documents at a time: filter the list further.")
    with tenant_scope(actor.tenant_id):
        arguments: dict[str, Any] = {}
        if tags:
            arguments["tags"] = clean_tag_names(tags)
        if reference_id is not None:
            if not Reference.objects.filter(pk=reference_id).exists():
                raise ReferenceNotFoundError
            arguments["reference"] = str(reference_id)
        change: BulkChange = BulkChange.objects.create(
            kind=kind,
            arguments_json=arguments,
            document_ids=list(document_ids),
            total=len(document_ids),
            user_id=actor.user_id,
        )
        new = {"kind": kind, "documents": len(document_ids), **arguments}
        record(actor=actor, action="bulk_change.queued", target=change, new=new)
        transaction.on_commit(partial(notify_workers, QUEUE))
    return change
