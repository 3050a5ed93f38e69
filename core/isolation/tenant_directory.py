"""The list of tenants: for operators' commands, and for periodic work that opens a scope for each tenant."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from core.errors import TenantNotFoundError


def all_tenants() -> dict[UUID, str]:
    """{id: name}, by name."""
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
