"""Adding to the audit log: in the transaction of the change itself, so that both happen or neither."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.utils import timezone

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
        payload_json={**payload, "actor": _describe(actor)},
        created_at=timezone.now(),
    )
    event.digest = digest(event)
    event.save(force_insert=True)
    return event


def _describe(actor: Actor) -> dict[str, str]:
    facts = {"kind": actor.kind, "role": actor.role, "credential": actor.credential, "request": actor.request_id}
    return {name: str(value) for name, value in facts.items() if value}


def digest(event: AuditLog) -> str:
    """HMAC-SHA256 over the event's own columns as canonical JSON, keyed by `OYL_AUDIT_KEY`: who can write to the
    table but does not have the key can forge no row."""
    facts = [
        str(event.tenant_id),
        str(event.id),
        event.workspace_id and str(event.workspace_id),
        event.user_id and str(event.user_id),
        event.action,
        event.object_type,
        event.object_id and str(event.object_id),
        event.payload_json,
        event.created_at.isoformat(timespec="microseconds"),
    ]
    message = json.dumps(facts, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    return hmac.new(settings.OYL_AUDIT_KEY.encode(), message, hashlib.sha256).hexdigest()
