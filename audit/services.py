"""Adding to the audit log: in the transaction of the change itself, so that both happen or neither."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import models
from django.utils import timezone

from audit.digests import digest, stable
from audit.models import AuditLog
from tenants.actors import Actor


def record(
    *,
    actor: Actor,
    action: str,
    target: models.Model | None = None,
    workspace_id: UUID | None = None,
    **payload: Any,
) -> AuditLog:
    """Add one event to the scope's transaction.

    `action` is "noun.verb_in_past"; `payload` is JSON and holds `old` and `new` where something changed, never a secret.
    """
    event = AuditLog(
        tenant_id=actor.tenant_id,
        workspace_id=workspace_id,
        user_id=actor.user_id,
        action=action,
        object_type=target._meta.db_table if target else "",
        object_id=target.pk if target else None,
        payload_json=stable({**payload, "actor": _describe(actor)}),
        created_at=timezone.now(),
    )
    event.digest = digest(event)
    event.save(force_insert=True)
    return event


def _describe(actor: Actor) -> dict[str, str]:
    facts = {"kind": actor.kind, "role": actor.role, "credential": actor.credential, "request": actor.request_id}
    return {name: str(value) for name, value in facts.items() if value}
