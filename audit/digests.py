"""The HMACs of the audit log, keyed by `OYL_AUDIT_KEY`: who can write to the tables but lacks the key forges nothing.

An event's digest covers its columns, a seal covers the seal before it, its own number and its event's digest.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from datetime import UTC
from decimal import Decimal
from hmac import HMAC
from typing import Any
from uuid import UUID

from django.conf import settings

from audit.models import AuditLog

SEPARATOR = "\x1f"
# `facts`, as PostgreSQL prints them: so a million events are verified without a look into their JSON.
FACTS_SQL = """concat_ws(E'\\x1f', a.tenant_id, a.id, coalesce(a.workspace_id::text, ''),
    coalesce(a.user_id::text, ''), a.action, a.object_type, coalesce(a.object_id::text, ''),
    to_char(a.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), a.payload_json)"""

_encode: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False).encode


def facts(event: AuditLog) -> str:
    """What an event's digest covers."""
    return SEPARATOR.join(
        [
            str(event.tenant_id),
            str(event.id),
            str(event.workspace_id or ""),
            str(event.user_id or ""),
            event.action,
            event.object_type,
            str(event.object_id or ""),
            event.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f"),
            jsonb_text(event.payload_json),
        ]
    )


def digest(event: AuditLog) -> str:
    return digest_of(key(), facts(event))


def digest_of(secret: HMAC, event_facts: str) -> str:
    return mac(secret, f"event:{event_facts}")


def seal_of(secret: HMAC, previous: str, sequence: int, event_digest: str) -> str:
    return mac(secret, f"seal:{previous}:{sequence}:{event_digest}")


def mac(secret: HMAC, text: str) -> str:
    started = secret.copy()
    started.update(text.encode())
    return started.hexdigest()


def first_seal(tenant_id: UUID) -> str:
    """What stands before a tenant's first event."""
    return seal_of(key(), str(tenant_id), 0, "")


def key() -> HMAC:
    """The key as far as it can be worked with before there is a text: a copy costs less than a start."""
    return hmac.new(str(settings.OYL_AUDIT_KEY).encode(), digestmod="sha256")


def stable(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload as it will come back from a jsonb column, which has no 1e16 and no -0.0."""
    as_stored: dict[str, Any] = json.loads(_encode(payload), parse_float=_as_stored)
    return as_stored


def _as_stored(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() else number


def jsonb_text(value: Any) -> str:
    """A stable value as PostgreSQL prints jsonb: keys by length, then by bytes; numbers without an exponent."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda name: (len(name.encode()), name.encode()))
        return "{" + ", ".join(f"{_encode(name)}: {jsonb_text(value[name])}" for name in keys) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(jsonb_text, value)) + "]"
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"
    return _encode(value)
