"""Lookups before a tenant is known: functions of the database that return only what is needed."""

from __future__ import annotations

import hashlib
import re
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


def tenants_of_user(user_id: UUID) -> list[TenantAccess]:
    """The tenants that an active user may act in, their own memberships first; an operator is owner of all others, too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id, tenant_name, role FROM oyl_memberships(%s)", [user_id])
        return [TenantAccess(tenant_id, name, Role(role)) for tenant_id, name, role in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class KeyAccess:
    """A valid key: neither revoked nor expired, of an existing organisation; its user is active and a member, and what it
    is bound to is not deleted."""

    key_id: UUID
    tenant_id: UUID
    user_id: UUID
    role: Role
    prefix: str
    scopes: list[str]
    bound_kind: str
    bound_id: UUID | None
    last_used_at: datetime | None


def access_by_key(key: str) -> KeyAccess | None:
    """Find a key by its hash, so that the time of the comparison reveals nothing of the key."""
    if not KEY_FORM.fullmatch(key):
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM oyl_api_key(%s)", [hash_key(key)])
        row = cursor.fetchone()
    if row is None:
        return None
    key_id, tenant_id, user_id, role, prefix, scopes, bound_kind, bound_id, last_used_at = row
    access = KeyAccess(
        key_id, tenant_id, user_id, Role(role), prefix, scopes, bound_kind, bound_id, last_used_at
    )
    return access if _bound_object_exists(access) else None


def _bound_object_exists(access: KeyAccess) -> bool:
    """A deletion revokes the keys that are bound to the object; one that is made at the same moment is refused here."""
    if not access.bound_kind:
        return True
    with tenant_scope(access.tenant_id):
        return rows_of_kind(access.bound_kind).filter(pk=access.bound_id).exists()


def hash_key(key: str) -> str:
    """SHA-256: a slow hash would not make 256 random bits harder to guess."""
    return hashlib.sha256(key.encode()).hexdigest()
