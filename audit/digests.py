"""The HMACs of the audit log, keyed by `OYL_AUDIT_KEY`: who can write to the tables but lacks the key forges nothing.

An event's digest covers its columns, a seal covers the seal before it, its own number and its event's digest.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from datetime import UTC
from typing import Any
from uuid import UUID

from django.conf import settings

from audit.models import AuditLog

SEPARATOR = "\x1f"
# What `digest` joins, as PostgreSQL prints it.
FACTS_SQL = """concat_ws(E'\\x1f', a.tenant_id, a.id, coalesce(a.workspace_id::text, ''),
    coalesce(a.user_id::text, ''), a.action, a.object_type, coalesce(a.object_id::text, ''),
    to_char(a.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'))"""

canonical: Callable[[Any], str] = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":")
).encode


def stable(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload as it will come back from a jsonb column, which keeps numbers in a form of its own."""
    as_stored: dict[str, Any] = json.loads(canonical(payload), parse_float=_as_jsonb_has_it)
    return as_stored


def _as_jsonb_has_it(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() else number


def digest(event: AuditLog) -> str:
    """The HMAC over an event's own columns."""
    facts = SEPARATOR.join(
        [
            str(event.tenant_id),
            str(event.id),
            str(event.workspace_id or ""),
            str(event.user_id or ""),
            event.action,
            event.object_type,
            str(event.object_id or ""),
            event.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f"),
        ]
    )
    return digest_of(key(), facts, event.payload_json)


def digest_of(secret: bytes, facts: str, payload: Any) -> str:
    """`digest` from what the database printed."""
    return hmac.digest(
        secret, f"event{SEPARATOR}{facts}{SEPARATOR}{canonical(payload)}".encode(), "sha256"
    ).hex()


def seal_of(secret: bytes, previous: str, sequence: int, event_digest: str) -> str:
    return hmac.digest(
        secret, f"seal{SEPARATOR}{previous}:{sequence}:{event_digest}".encode(), "sha256"
    ).hex()


def first_seal(tenant_id: UUID) -> str:
    """What stands before a tenant's first event."""
    return seal_of(key(), str(tenant_id), 0, "")


def key() -> bytes:
    return str(settings.OYL_AUDIT_KEY).encode()
