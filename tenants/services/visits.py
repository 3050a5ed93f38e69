"""The services for operators' visits to tenants. The tenant's audit log and the platform's events name who, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from audit.models import PlatformEvent
from audit.platform import record_platform
from audit.services import record
from core.actors import ActorKind, PlatformActor
from core.errors import InvalidError
from core.isolation.scope import platform_scope, tenant_scope
from core.isolation.tenant_directory import all_tenants
from core.names import FORBIDDEN
from core.recent_password import require_recent_password
from tenants.models import Tenant
from tenants.visits import LENGTH, Visit

ENTERED, LEFT = "operator.entered", "operator.left"
# Entries of longer ago were ended, or nothing ran since then.
LOOK_BACK = timedelta(days=7)
# Of a reason: four are a word in scripts whose characters are syllables or words.
LEAST_LETTERS = 4


def enter_tenant(*, actor: PlatformActor, tenant_id: UUID, reason: str) -> Visit:
    """Begin a visit, which ends by itself after 30 minutes. Raises ForbiddenError unless the actor is an operator,
    PasswordNeededError, InvalidError without a reason that can be read, and NotFoundError."""
    actor.require_operator()
    require_recent_password(actor)
    reason = readable_reason(reason)
    until = timezone.now() + LENGTH
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.get(pk=tenant_id)
        record(actor=actor.inside(tenant_id), action=ENTERED, reason=reason, until=until.isoformat())
        event = record_platform(actor=actor, action=ENTERED, target=tenant, reason=reason, until=until)
    return Visit(id=event.pk, tenant_id=tenant_id, name=tenant.name, until=until)


def readable_reason(reason: str) -> str:
    """In one line. Raises InvalidError for a reason that members of the organisation could not read."""
    reason = " ".join(reason.split())
    if FORBIDDEN.search(reason) or sum(map(str.isalnum, reason)) < LEAST_LETTERS:
        raise InvalidError(
            f"Say why you enter, in {LEAST_LETTERS} letters or more and without invisible characters: members of the"
            " organisation read it."
        )
    return reason


def leave_tenant(*, actor: PlatformActor, visit_id: UUID, tenant_id: UUID, why: str = "left") -> None:
    """Record the end of a visit. Raises ForbiddenError unless the actor is an operator."""
    actor.require_operator()
    with tenant_scope(tenant_id):
        record(actor=actor.inside(tenant_id), action=LEFT, why=why)
        record_platform(actor=actor, action=LEFT, target=Tenant(pk=tenant_id), why=why, visit=visit_id)


def end_expired_visits() -> int:
    """Record the end of visits whose time is over, and return their number."""
    expired = _expired_visits()
    for entry in expired:
        actor = PlatformActor(kind=ActorKind.OPERATOR, credential="session", user_id=entry.user_id)
        leave_tenant(actor=actor, visit_id=entry.pk, tenant_id=entry.object_id, why="the time was over")
    return len(expired)


def _expired_visits() -> list[Any]:
    """The entries without an end, of tenants that exist."""
    now = timezone.now()
    tenants = all_tenants()
    with platform_scope():
        recent: QuerySet[PlatformEvent] = PlatformEvent.objects.filter(created_at__gt=now - LOOK_BACK)
        ended = set(recent.filter(action=LEFT).values_list("payload_json__visit", flat=True))
        entries = list(recent.filter(action=ENTERED, created_at__lt=now - LENGTH))
    return [entry for entry in entries if str(entry.pk) not in ended and entry.object_id in tenants]
