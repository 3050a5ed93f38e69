"""Events of the audit log, before they are inserted."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import models
from django.utils import timezone

from audit.digests import digest, normalize_for_jsonb
from audit.models import AuditLog
from core.actors import Actor
from core.models import new_id


def new_event(
    actor: Actor,
    action: str,
    target: models.Model | None,
    workspace_id: UUID | None,
    payload: dict[str, Any],
    *,
    pk: UUID | None = None,
) -> AuditLog:
    """An event with its digest."""
    columns = {
        "kind": actor.kind,
        "role": actor.role,
        "credential": actor.credential,
        "request": actor.request_id,
        "run": actor.run_id,
    }
    described = {name: str(value) for name, value in columns.items() if value}
    event = AuditLog(
        id=pk or new_id(),
        tenant_id=actor.tenant_id,
        workspace_id=workspace_id,
        user_id=actor.user_id,
        action=action,
        object_type=target._meta.db_table if target else "",
        object_id=target.pk if target else None,
        payload_json=normalize_for_jsonb({**payload, "actor": described}),
        created_at=timezone.now(),
    )
    event.digest = digest(event)
    return event
