"""What can be asked before a tenant is known: functions of the database, each as narrow as its use."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from tenants.errors import TenantNotFoundError
from tenants.models import Role


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


def all_tenants() -> dict[UUID, str]:
    """Ids and names, for operators' commands and for periodic work that loops over scopes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, name FROM oyl_tenants()")
        return dict(cursor.fetchall())


def tenant_named(name_or_id: str) -> UUID:
    """Raises TenantNotFoundError."""
    for tenant_id, name in all_tenants().items():
        if name_or_id in (name, str(tenant_id)):
            return tenant_id
    raise TenantNotFoundError(
        f"There is no tenant '{name_or_id}'. `create_tenant` makes one; `list_tenants` names those there are."
    )
