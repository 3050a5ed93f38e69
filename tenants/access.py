"""Lookups before a tenant is known: functions of the database that return only what is needed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from core.isolation.scope import tenant_scope
from core.permissions import Role, rows_of_kind

# As `create_api_key` makes them; for anything else the database is not asked.
KEY_FORM = re.compile(r"oyl_[0-9a-f]{12}_[\w-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TenantAccess:
    tenant_id: UUID
    name: str
    role: Role
    last_entered_at: datetime | None


def tenants_of_user(user_id: UUID) -> list[TenantAccess]:
    """The tenants that an active user may act in, the one entered last first; none for an operator."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tenant_id, tenant_name, role, last_entered_at FROM oyl_memberships(%s)", [user_id]
        )
        return [TenantAccess(pk, name, Role(role), entered) for pk, name, role, entered in cursor.fetchall()]


def every_tenant_of(user_id: UUID) -> set[UUID]:
    """Also those in which the person is suspended, and those of an account that is switched off: they may be let in again,
    so that whoever gets the account gets these tenants, too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT oyl_every_tenant_of(%s)", [user_id])
        return {tenant_id for (tenant_id,) in cursor.fetchall()}


def tenant_to_enter(tenants: Sequence[TenantAccess]) -> TenantAccess | None:
    """The tenant that a user enters by signing in: the one that they entered last, or their only one. A tenant that somebody
    else made them a member of is never entered by itself."""
    first = next(iter(tenants), None)
    if first is None or first.last_entered_at or len(tenants) == 1:
        return first
    return None


@dataclass(frozen=True, slots=True)
class PendingInvitation:
    """An invitation that is neither accepted, revoked nor expired, of an existing organisation, and that whoever made it
    could make now."""

    tenant_id: UUID
    tenant_name: str
    email: str
    role: Role
    by_mail: bool
    token_hash: str


def pending_invitation(token_hash: str) -> PendingInvitation | None:
    """Find an invitation by the hash of its token, so that the time of the comparison reveals nothing of the token."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tenant_id, tenant_name, email, role, by_mail FROM oyl_invitation(%s)", [token_hash]
        )
        row = cursor.fetchone()
    if row is None:
        return None
    tenant_id, tenant_name, email, role, by_mail = row
    return PendingInvitation(tenant_id, tenant_name, email, Role(role), by_mail, token_hash)


@dataclass(frozen=True, slots=True)
class KeyAccess:
    """A valid key: neither revoked nor expired, of an existing organisation; its user is active and a member, and what it
    is bound to is not deleted. `made_by` is the prefix of the key that made it, if any."""

    key_id: UUID
    tenant_id: UUID
    user_id: UUID
    role: Role
    prefix: str
    scopes: list[str]
    bound_kind: str
    bound_id: UUID | None
    last_used_at: datetime | None
    made_by: str


def access_by_key(key: str) -> KeyAccess | None:
    """Find a key by its hash, so that the time of the comparison reveals nothing of the key."""
    if not KEY_FORM.fullmatch(key):
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM oyl_api_key(%s)", [hash_secret(key)])
        row = cursor.fetchone()
    if row is None:
        return None
    key_id, tenant_id, user_id, role, prefix, scopes, bound_kind, bound_id, last_used_at, made_by = row
    access = KeyAccess(
        key_id, tenant_id, user_id, Role(role), prefix, scopes, bound_kind, bound_id, last_used_at, made_by
    )
    return access if _bound_object_exists(access) else None


def _bound_object_exists(access: KeyAccess) -> bool:
    """A deletion revokes the keys that are bound to the object; one that is made at the same moment is refused here."""
    if not access.bound_kind:
        return True
    with tenant_scope(access.tenant_id):
        return rows_of_kind(access.bound_kind).filter(pk=access.bound_id).exists()


def hash_secret(secret: str) -> str:
    """SHA-256, of a key or a token: a slow hash would not make 256 random bits harder to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()
