"""The HMACs of the audit log, keyed by `OYL_AUDIT_KEY`: write access to the tables does not suffice to forge rows.

An event's digest covers its columns; a seal covers the previous seal, its own sequence number and its event's digest.
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
# `digest_input` as PostgreSQL computes it, so that a million events are verified without decoding their JSON.
DIGEST_INPUT_SQL = """concat_ws(E'\\x1f', a.tenant_id, a.id, coalesce(a.workspace_id::text, ''),
    coalesce(a.user_id::text, ''), a.action, a.object_type, coalesce(a.object_id::text, ''),
    to_char(a.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), a.payload_json)"""

_encode: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False).encode


def digest_input(event: AuditLog) -> str:
    """The text that an event's digest covers."""
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
    return digest_of(keyed_hmac(), digest_input(event))


def digest_of(secret: HMAC, digest_input: str) -> str:
    return mac(secret, f"event:{digest_input}")


def seal_of(secret: HMAC, previous: str, sequence: int, event_digest: str) -> str:
    return mac(secret, f"seal:{previous}:{sequence}:{event_digest}")


def mac(secret: HMAC, text: str) -> str:
    keyed = secret.copy()
    keyed.update(text.encode())
    return keyed.hexdigest()


def first_seal(tenant_id: UUID) -> str:
    """The seal that precedes a tenant's first event."""
    return seal_of(keyed_hmac(), str(tenant_id), 0, "")


def keyed_hmac() -> HMAC:
    """An HMAC that is keyed and has no text yet: copying it costs less than making a new one."""
    return hmac.new(str(settings.OYL_AUDIT_KEY).encode(), digestmod="sha256")


def normalize_for_jsonb(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload as a jsonb column returns it, which has no 1e16 and no -0.0."""
    normalized: dict[str, Any] = json.loads(_encode(payload), parse_float=_normalize_number)
    return normalized


def _normalize_number(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() else number


def jsonb_text(value: Any) -> str:
    """A normalized value as PostgreSQL prints jsonb: keys by length, then by bytes; numbers without an exponent."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda name: (len(name.encode()), name.encode()))
        return "{" + ", ".join(f"{_encode(name)}: {jsonb_text(value[name])}" for name in keys) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(jsonb_text, value)) + "]"
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"
    return _encode(value)
