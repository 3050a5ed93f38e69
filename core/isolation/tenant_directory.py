"""The list of tenants: for operators' commands, and for periodic work that opens a scope for each tenant."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from core.errors import AmbiguousTenantError, TenantNotFoundError
from core.name_fields import as_uuid


def all_tenants() -> dict[UUID, str]:
    """{id: name}, by name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, name FROM oyl_tenants()")
        return dict(cursor.fetchall())


def tenant_named(name_or_id: str) -> UUID:
    """What could be read as an id is an id, and nothing else. Raises TenantNotFoundError, and AmbiguousTenantError when
    several tenants have the name."""
    asked_id = as_uuid(name_or_id)
    found = [pk for pk, name in all_tenants().items() if (pk == asked_id if asked_id else name == name_or_id)]
    if len(found) > 1:
        ids = ", ".join(map(str, found))
        raise AmbiguousTenantError(f"Several tenants are named '{name_or_id}'. Give the id of one: {ids}.")
    if not found:
        raise TenantNotFoundError(
            f"There is no tenant '{name_or_id}'. `create_tenant` makes one; `list_tenants` names those there are."
        )
    return found[0]
