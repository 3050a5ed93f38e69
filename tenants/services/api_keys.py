"""The services for API keys."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import models
from django.utils import timezone

from audit.services import record
from core.actors import Actor, ActorKind
from core.errors import ForbiddenError, InvalidError
from core.isolation.scope import tenant_scope
from core.permissions import Role, key_scopes, rows_of_kind
from core.recent_password import require_recent_password
from tenants.access import KeyAccess, hash_secret
from tenants.models import ApiKey, Membership
from tenants.revoking import lock_own_key, revoke_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey:
    """`secret` is available only here: only its hash is stored."""

    api_key: ApiKey
    secret: str


def create_api_key(
    *,
    actor: Actor,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None = None,
    bound: tuple[str, UUID] | None = None,
    member: Membership | None = None,
) -> NewApiKey:
    """Create a key `oyl_<id>_<secret>` that acts for the actor's user, with `scopes` (`core.permissions.key_scopes()`),
    and `bound` to one object if that is given. A key cannot create one that allows more than itself or lasts longer: without
    `expires_at`, it ends with the key that makes it. A command, which has no user, passes the `member` for whom the key
    acts.

    Raises ForbiddenError below admin, PasswordNeededError, and InvalidError for an unknown or no scope, a past date, or an
    object that does not exist.
    """
    _check_maker(actor, member)
    _check_key_request(actor, scopes, expires_at, bound)
    prefix = f"oyl_{secrets.token_hex(6)}"
    secret = f"{prefix}_{secrets.token_urlsafe(32)}"
    kind, bound_id = bound or ("", None)
    columns = {"name": name, "scopes": sorted(scopes), "bound_kind": kind, "bound_id": bound_id}
    user_id = member.user_id if member else actor.user_id
    with tenant_scope(actor.tenant_id):
        made_by = lock_own_key(actor)
        expires_at = _end_within(made_by, expires_at)
        if bound and not rows_of_kind(kind).filter(pk=bound_id).exists():
            raise InvalidError(f"There is no {kind} with the id '{bound_id}' for the key to be bound to.")
        api_key = ApiKey.objects.create(
            user_id=user_id,
            prefix=prefix,
            key_hash=hash_secret(secret),
            expires_at=expires_at,
            made_by=made_by,
            **columns,
        )
        new = {**columns, "bound_id": bound_id and str(bound_id), "user": str(user_id)}
        record(actor=actor, action="api_key.created", target=api_key, new=new)
    return NewApiKey(api_key=api_key, secret=secret)


def _check_maker(actor: Actor, member: Membership | None) -> None:
    actor.require(Role.ADMIN)
    require_recent_password(actor)
    if actor.kind is ActorKind.OPERATOR:
        raise ForbiddenError("A visit ends, and a key would not. Let a member of the organisation make it.")
    if member and actor.kind is not ActorKind.COMMAND:
        raise ForbiddenError("A key acts for whoever makes it.")


def _check_key_request(
    actor: Actor, scopes: Sequence[str], expires_at: datetime | None, bound: tuple[str, UUID] | None
) -> None:
    if not scopes or set(scopes) - set(key_scopes()):
        raise InvalidError(f"Name the key's scopes, one or more of: {', '.join(key_scopes())}.")
    if expires_at and expires_at <= timezone.now():
        raise InvalidError("A key must expire in the future, or never.")
    is_wider = not all(actor.may_scope(one) for one in scopes)
    if actor.scopes is not None and (is_wider or bound != (actor.bound or bound)):
        raise ForbiddenError("A key can only make keys that may do no more than itself.")


def _end_within(made_by: ApiKey | None, expires_at: datetime | None) -> datetime | None:
    """When the new key ends. Raises ForbiddenError."""
    if made_by is None:
        return expires_at
    if made_by.made_by_id:
        raise ForbiddenError(
            "This key was made by another key, and makes none itself. Use the key that made it, or sign in."
        )
    if made_by.expires_at and expires_at and expires_at > made_by.expires_at:
        raise ForbiddenError(
            f"A key can only make keys that end before itself: not later than {made_by.expires_at:%Y-%m-%d %H:%M} UTC."
        )
    return expires_at or made_by.expires_at


def revoke_api_key(*, actor: Actor, api_key: ApiKey) -> None:
    """The key stops working, and with it what was made with it. Its row is kept for the record. Raises
    PasswordNeededError."""
    actor.require(Role.ADMIN)
    require_recent_password(actor)
    with tenant_scope(actor.tenant_id):
        revoke_keys(actor=actor, keys=ApiKey.objects.filter(pk=api_key.pk), why="asked for")


def revoke_keys_bound_to(*, actor: Actor, instances: Sequence[models.Model]) -> None:
    """Inside the transaction that deletes the objects: whoever may delete an object also ends the keys that open it."""
    bound = ApiKey.objects.filter(bound_id__in=[instance.pk for instance in instances])
    revoke_keys(actor=actor, keys=bound, why="the object that it was bound to was deleted")


def record_key_use(key: KeyAccess) -> None:
    """Store the time of the last use, at most once a minute."""
    now = timezone.now()
    if key.last_used_at and now - key.last_used_at < timedelta(minutes=1):
        return
    with tenant_scope(key.tenant_id):
        ApiKey.objects.filter(pk=key.key_id).update(last_used_at=now)
