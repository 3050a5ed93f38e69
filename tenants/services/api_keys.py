"""The services for API keys."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import models
from django.utils import timezone

from audit.services import record, record_each
from core.actors import Actor, ActorKind
from core.errors import ForbiddenError, InvalidError
from core.isolation.scope import tenant_scope
from core.permissions import Role, key_scopes, rows_of_kind
from core.recent_password import require_recent_password
from tenants.access import KeyAccess, hash_secret
from tenants.models import ApiKey, Membership


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
    and `bound` to one object if that is given. A key cannot create one that allows more than itself. A command, which has
    no user, passes the `member` for whom the key acts.

    Raises ForbiddenError below admin, PasswordNeededError, and InvalidError for an unknown or no scope, a past date, or an
    object that does not exist.
    """
    actor.require(Role.ADMIN)
    require_recent_password(actor)
    if actor.kind is ActorKind.OPERATOR:
        raise ForbiddenError("A visit ends, and a key would not. Let a member of the organisation make it.")
    if member and actor.kind is not ActorKind.COMMAND:
        raise ForbiddenError("A key acts for whoever makes it.")
    _check_key_request(actor, scopes, expires_at, bound)
    prefix = f"oyl_{secrets.token_hex(6)}"
    secret = f"{prefix}_{secrets.token_urlsafe(32)}"
    kind, bound_id = bound or ("", None)
    columns = {"name": name, "scopes": sorted(scopes), "bound_kind": kind, "bound_id": bound_id}
    user_id = member.user_id if member else actor.user_id
    with tenant_scope(actor.tenant_id):
        if bound and not rows_of_kind(kind).filter(pk=bound_id).exists():
            raise InvalidError(f"There is no {kind} with the id '{bound_id}' for the key to be bound to.")
        api_key = ApiKey.objects.create(
            user_id=user_id, prefix=prefix, key_hash=hash_secret(secret), expires_at=expires_at, **columns
        )
        new = {**columns, "bound_id": bound_id and str(bound_id), "user": str(user_id)}
        record(actor=actor, action="api_key.created", target=api_key, new=new)
    return NewApiKey(api_key=api_key, secret=secret)


def _check_key_request(
    actor: Actor, scopes: Sequence[str], expires_at: datetime | None, bound: tuple[str, UUID] | None
) -> None:
    if not scopes or set(scopes) - set(key_scopes()):
        raise InvalidError(f"Name the key's scopes, one or more of: {', '.join(key_scopes())}.")
    if expires_at and expires_at <= timezone.now():
        raise InvalidError("A key must expire in the future, or never.")
    if actor.scopes is not None and (set(scopes) - actor.scopes or bound != (actor.bound or bound)):
        raise ForbiddenError("A key can only make keys that may do no more than itself.")


def revoke_api_key(*, actor: Actor, api_key: ApiKey) -> None:
    """The key stops working; its row is kept for the record. Raises PasswordNeededError."""
    actor.require(Role.ADMIN)
    require_recent_password(actor)
    with tenant_scope(actor.tenant_id):
        if ApiKey.objects.filter(pk=api_key.pk, revoked_at=None).update(revoked_at=timezone.now()):
            record(actor=actor, action="api_key.revoked", target=api_key, old={"name": api_key.name})


def revoke_keys_bound_to(*, actor: Actor, instances: Sequence[models.Model]) -> None:
    """Inside the transaction that deletes the objects: whoever may delete an object also ends the keys that open it."""
    rows = ApiKey.objects.filter(bound_id__in=[instance.pk for instance in instances], revoked_at=None)
    keys = list(rows.select_for_update())
    ApiKey.objects.filter(pk__in=[key.pk for key in keys]).update(revoked_at=timezone.now())
    events = [(key, None, {"old": {"name": key.name}, "deleted": str(key.bound_id)}) for key in keys]
    record_each(actor=actor, action="api_key.revoked", events=events)


def record_key_use(key: KeyAccess) -> None:
    """Store the time of the last use, at most once a minute."""
    now = timezone.now()
    if key.last_used_at and now - key.last_used_at < timedelta(minutes=1):
        return
    with tenant_scope(key.tenant_id):
        ApiKey.objects.filter(pk=key.key_id).update(last_used_at=now)
