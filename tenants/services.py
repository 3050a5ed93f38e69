"""The services for tenants, members, users and API keys."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError
from django.utils import timezone

from audit.services import record, save_audited
from core.actors import Actor, ActorKind, command_actor
from core.encryption.rotation import Rotation, encrypted_fields, lock_batch, reencrypt
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.isolation.scope import tenant_scope
from core.models import new_id
from core.permissions import Role, key_scopes, rows_of_kind
from tenants.access import KeyAccess, hash_key
from tenants.models import ApiKey, Membership, Tenant, User


class TenantExistsError(ConflictError):
    """There is a tenant of this name already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTenant:
    """`password` is None when the user existed before."""

    tenant_id: UUID
    admin_email: str
    password: str | None


def create_tenant(*, name: str, admin_email: str, credential: str = "create_tenant") -> NewTenant:
    """Create a tenant with its owner, who is created unless a user has that e-mail. Raises TenantExistsError."""
    tenant_id = new_id()
    actor = command_actor(tenant_id, credential)
    with _unique_name(name), tenant_scope(tenant_id):
        tenant = Tenant.objects.create(id=tenant_id, name=name)
        user, password = _get_or_create_user(admin_email)
        Membership.objects.create(user=user, role=Role.OWNER)
        record(actor=actor, action="tenant.created", target=tenant, new={"owner": str(user.pk)})
    return NewTenant(tenant_id=tenant_id, admin_email=user.email, password=password)


@contextmanager
def _unique_name(name: str) -> Iterator[None]:
    """Let the database check the name, because a scope does not see all tenants. Raises TenantExistsError."""
    try:
        yield
    except IntegrityError as error:
        if "tenants_name" not in str(error):
            raise
        raise TenantExistsError(f"There is a tenant named '{name}' already. Choose another name.") from error


def _get_or_create_user(email: str) -> tuple[User, str | None]:
    found = User.objects.filter(email=email.lower()).first()
    if found:
        return found, None
    password = _new_password()
    return User.objects.create_user(email, password), password


def _new_password() -> str:
    password = secrets.token_urlsafe(12)
    validate_password(password)
    return password


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """`password` is None when the user existed before."""

    membership: Membership
    password: str | None


def invite_member(*, actor: Actor, email: str, role: Role) -> Invitation:
    """Create the user unless there is one with that e-mail. Raises ForbiddenError below admin, and when an admin makes an
    owner; ConflictError when the user is a member already."""
    actor.require(Role.OWNER if role == Role.OWNER else Role.ADMIN)
    with tenant_scope(actor.tenant_id):
        user, password = _get_or_create_user(email)
        membership, is_new = Membership.objects.get_or_create(user=user, defaults={"role": role})
        if not is_new:
            raise ConflictError(f"{user.email} is a member already. Change their role instead.")
        record(actor=actor, action="membership.created", target=membership, new=_event_values(membership))
    return Invitation(membership=membership, password=password)


def set_role(*, actor: Actor, membership: Membership, role: Role) -> None:
    """Raises ForbiddenError below admin, and when an admin adds or removes an owner; ConflictError when no owner would be
    left."""
    with tenant_scope(actor.tenant_id):
        old = _reload(membership).role
        actor.require(Role.OWNER if Role.OWNER in (role, old) else Role.ADMIN)
        if role == old:
            return
        if old == Role.OWNER:
            _require_other_owner(membership)
        membership.role = role
        membership.save(update_fields=["role", "updated_at"])
        record(
            actor=actor,
            action="membership.role_changed",
            target=membership,
            old={"role": old},
            new={"role": role},
        )


def remove_member(*, actor: Actor, membership: Membership) -> None:
    """Delete the membership; the user remains. Raises as `set_role` does."""
    with tenant_scope(actor.tenant_id):
        leaving = _reload(membership)
        actor.require(Role.OWNER if leaving.role == Role.OWNER else Role.ADMIN)
        if leaving.role == Role.OWNER:
            _require_other_owner(leaving)
        record(actor=actor, action="membership.deleted", target=leaving, old=_event_values(leaving))
        leaving.delete()


def _reload(membership: Membership) -> Membership:
    """The row in the database: the caller's instance may be outdated or modified. Raises NotFoundError."""
    found: Membership | None = Membership.objects.filter(pk=membership.pk).first()
    if found is None:
        raise NotFoundError("They are no member any more.")
    return found


def _require_other_owner(leaving: Membership) -> None:
    """Lock the owners, so that two who leave at the same time do not both succeed. Raises ConflictError."""
    owners = Membership.objects.select_for_update().filter(role=Role.OWNER).values_list("pk", flat=True)
    if not set(owners) - {leaving.pk}:
        raise ConflictError("An organisation needs an owner. Make somebody else owner first.")


def _event_values(membership: Membership) -> dict[str, str]:
    return {"user": str(membership.user_id), "role": membership.role}


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

    Raises ForbiddenError below admin, and InvalidError for an unknown or no scope, a past date, or an object that does
    not exist.
    """
    actor.require(Role.ADMIN)
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
            user_id=user_id, prefix=prefix, key_hash=hash_key(secret), expires_at=expires_at, **columns
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


def member_named(tenant_id: UUID, email: str | None) -> Membership:
    """Find an active member by e-mail; the first owner when none is given. Raises NotFoundError."""
    with tenant_scope(tenant_id):
        members = Membership.objects.filter(user__is_active=True).select_related("user").order_by("pk")
        which = {"user__email": email.lower()} if email else {"role": Role.OWNER}
        found: Membership | None = members.filter(**which).first()
    if found is None:
        raise NotFoundError(f"There is no active member '{email}'." if email else "There is no active owner.")
    return found


def revoke_api_key(*, actor: Actor, api_key: ApiKey) -> None:
    """The key stops working; its row is kept for the record."""
    actor.require(Role.ADMIN)
    with tenant_scope(actor.tenant_id):
        if ApiKey.objects.filter(pk=api_key.pk, revoked_at=None).update(revoked_at=timezone.now()):
            record(actor=actor, action="api_key.revoked", target=api_key, old={"name": api_key.name})


def record_key_use(key: KeyAccess) -> None:
    """Store the time of the last use, at most once a minute."""
    now = timezone.now()
    if key.last_used_at and now - key.last_used_at < timedelta(minutes=1):
        return
    with tenant_scope(key.tenant_id):
        ApiKey.objects.filter(pk=key.key_id).update(last_used_at=now)


def update_tenant(*, actor: Actor, tenant: Tenant) -> None:
    """Raises ForbiddenError below admin, TenantExistsError."""
    with _unique_name(tenant.name):
        save_audited(actor=actor, instance=tenant, role=Role.ADMIN)


def save_user(*, actor: Actor, user: User) -> str | None:
    """Create a user and return their password, or change one (None). Raises ForbiddenError unless the actor is an
    operator."""
    _require_operator(actor)
    user.email = user.email.lower()
    password = _new_password() if user._state.adding else None
    if password:
        user.set_password(password)
    save_audited(actor=actor, instance=user)
    return password


def reset_password(*, actor: Actor, user: User) -> str:
    """Set and return a new password, which signs the user out everywhere. Raises ForbiddenError unless the actor is an
    operator."""
    _require_operator(actor)
    password = _new_password()
    user.set_password(password)
    with tenant_scope(actor.tenant_id):
        user.save(update_fields=["password"])
        record(actor=actor, action="user.password_reset", target=user)
    return password


def _require_operator(actor: Actor) -> None:
    if actor.kind is not ActorKind.OPERATOR:
        raise ForbiddenError("Only operators look after users.")


def enter_as_operator(*, actor: Actor) -> None:
    """Record in the tenant's audit log that an operator begins to act in it."""
    with tenant_scope(actor.tenant_id):
        record(actor=actor, action="operator.entered")


def rotate_keys(*, actor: Actor) -> Rotation:
    """Encrypt the tenant's secrets again with the first key. Each batch is a transaction with its audit event, so that the
    next run continues after an interruption."""
    actor.require(Role.OWNER)
    result = Rotation(tenant_id=actor.tenant_id)
    for secret in encrypted_fields():
        last: UUID | None = None
        while True:
            with tenant_scope(actor.tenant_id):
                batch = lock_batch(secret, last)
                if not batch:
                    break
                problems = [problem for row in batch if (problem := reencrypt(secret, row))]
                result.unreadable += problems
                if rotated := len(batch) - len(problems):
                    table = secret.model._meta.db_table
                    result.rotated[table] = result.rotated.get(table, 0) + rotated
                    record(actor=actor, action="secrets.rotated", table=table, count=rotated)
            last = batch[-1].pk
    return result
