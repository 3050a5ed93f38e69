"""Events that are recorded at most once an hour for each credential and object: readings and refusals, which a client may
repeat as often as its rate limit permits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import models
from django.utils import timezone

from audit.events import new_event
from core.actors import Actor
from core.bulk_sql import insert_instances
from core.isolation.scope import tenant_scope


def record_reads(*, actor: Actor, action: str, targets: Iterable[models.Model | None] = (None,)) -> None:
    """Inside a scope: record that the actor read the targets; without targets, that they read a list. `action` is
    "noun.read"."""
    _record_hourly(actor, action, targets)


def record_denial(*, actor: Actor, method: str, route: str, code: str) -> None:
    """Record that a request of the actor was refused because of their role, scopes or binding."""
    with tenant_scope(actor.tenant_id):
        _record_hourly(actor, "request.denied", [None], method=method, route=route, code=code)


def record_reached_quota(*, actor: Actor, kind: str, of: str) -> None:
    """Record that a request of the actor was refused because of a quota, and whose it is."""
    with tenant_scope(actor.tenant_id):
        _record_hourly(actor, "quota.reached", [None], kind=kind, of=of)


def _record_hourly(actor: Actor, action: str, targets: Iterable[models.Model | None], **payload: str) -> None:
    """Concurrent requests compute the same ids for the same events, and PostgreSQL inserts each id once. The ids are sorted,
    so that two requests wait for each other's inserts in the same order."""
    now = timezone.now()
    events = [
        new_event(
            actor, action, target, None, dict(payload), pk=_hourly_id(actor, action, target, payload, now)
        )
        for target in targets
    ]
    insert_instances(sorted(events, key=lambda event: event.pk), skip_existing=True)


def _hourly_id(
    actor: Actor, action: str, target: models.Model | None, payload: dict[str, str], now: datetime
) -> UUID:
    """A UUIDv7 with the hour as its time, and a digest of what the event says in place of the random bits."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    facts = (
        actor.tenant_id,
        actor.user_id,
        actor.credential,
        action,
        target and target.pk,
        sorted(payload.items()),
        hour,
    )
    digest = int.from_bytes(hashlib.sha256(repr(facts).encode()).digest()[:10])
    value = int(hour.timestamp() * 1000) << 80 | digest
    version, variant = 0xF << 76, 0b11 << 62
    return UUID(int=value & ~version & ~variant | 7 << 76 | 0b10 << 62)
