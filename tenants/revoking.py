"""Ending API keys and invitations, together with what was made with them."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from audit.services import record_each
from core.actors import Actor
from core.errors import ForbiddenError
from tenants.models import ApiKey, Invitation

# Invitations that were neither accepted nor revoked.
PENDING = {"accepted_at": None, "revoked_at": None}


def lock_own_key(actor: Actor) -> ApiKey | None:
    """Inside a scope: the key that acts, locked, so that it cannot be revoked before what it makes is stored. None for
    people and commands. Raises ForbiddenError when it was revoked meanwhile."""
    if actor.scopes is None:
        return None
    own: ApiKey | None = (
        ApiKey.objects.select_for_update().filter(prefix=actor.credential, revoked_at=None).first()
    )
    if own is None:
        raise ForbiddenError("This key was revoked meanwhile.")
    return own


def revoke_keys(*, actor: Actor, keys: QuerySet[ApiKey], why: str) -> int:
    """Inside a scope: revoke the keys, the keys that these have made, and the invitations made with any of them, with an
    event for each. Returns the number of keys. The keys are locked first, as `lock_own_key` does, so that none of them makes
    another one meanwhile."""
    found = list(keys.filter(revoked_at=None).order_by("pk").select_for_update())
    made = ApiKey.objects.filter(made_by__in=found, revoked_at=None).exclude(pk__in=[key.pk for key in found])
    found += made.order_by("pk").select_for_update()
    ApiKey.objects.filter(pk__in=[key.pk for key in found]).update(revoked_at=timezone.now())
    events = [(key, None, {"old": _event_values(key), "why": why}) for key in found]
    record_each(actor=actor, action="api_key.revoked", events=events)
    revoke_invitations(
        actor=actor, invitations=Invitation.objects.filter(made_by__in=found), why="the key was revoked"
    )
    return len(found)


def _event_values(key: ApiKey) -> dict[str, str]:
    return {"name": key.name} | ({"bound_id": str(key.bound_id)} if key.bound_id else {})


def revoke_invitations(*, actor: Actor, invitations: QuerySet[Invitation], why: str) -> int:
    """Inside a scope: the links of those that are pending stop working. Returns their number."""
    found = list(invitations.filter(**PENDING).order_by("pk").select_for_update())
    Invitation.objects.filter(pk__in=[one.pk for one in found]).update(revoked_at=timezone.now())
    events = [(one, None, {"old": {"email": one.email, "role": one.role}, "why": why}) for one in found]
    record_each(actor=actor, action="invitation.revoked", events=events)
    return len(found)


def revoke_what_they_made(*, actor: Actor, user_id: UUID, why: str) -> dict[str, int]:
    """Inside a scope: all keys that act for the user, and all invitations that they or their keys have made. Returns their
    numbers, for an event."""
    keys = revoke_keys(actor=actor, keys=ApiKey.objects.filter(user=user_id), why=why)
    invitations = Invitation.objects.filter(invited_by=user_id)
    revoked = revoke_invitations(actor=actor, invitations=invitations, why=why)
    return {"revoked_keys": keys, "revoked_invitations": revoked}
