"""What can be asked before a tenant is known: functions of the database, each as narrow as its use."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from core.permissions import Role


@dataclass(frozen=True, slots=True)
class TenantAccess:
    tenant_id: UUID
    name: str
    role: Role


def tenants_of_user(user_id: UUID) -> list[TenantAccess]:
    """Where an active user may act, their own memberships first; an operator also everywhere else, as owner."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id, tenant_name, role FROM oyl_memberships(%s)", [user_id])
        return [TenantAccess(tenant_id, name, Role(role)) for tenant_id, name, role in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class KeyAccess:
    """A key that is valid now: neither revoked nor expired, its organisation there, its user active and a member."""

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
    """By the key's hash: what is compared in the database tells nobody how much of a key is right."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM oyl_api_key(%s)", [hash_key(key)])
        row = cursor.fetchone()
    if row is None:
        return None
    key_id, tenant_id, user_id, role, prefix, scopes, bound_kind, bound_id, last_used_at = row
    return KeyAccess(
        key_id, tenant_id, user_id, Role(role), prefix, scopes, bound_kind, bound_id, last_used_at
    )


def hash_key(key: str) -> str:
    """A key has 256 random bits, which no slow hash makes harder to guess."""
    return hashlib.sha256(key.encode()).hexdigest()
