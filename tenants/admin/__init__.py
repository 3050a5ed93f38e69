"""The admin of tenants, their people and keys; and the base classes of every other app's admin."""

from tenants.admin.base import (
    ReadOnlyAdmin,
    ReadOnlyInline,
    RolePermissions,
    TenantAdmin,
    TenantForm,
    TenantInline,
    VastAdmin,
    actor_of,
    has_role,
    leave,
    tells_errors,
)
from tenants.admin.theme import action, display

__all__ = [
    "ReadOnlyAdmin",
    "ReadOnlyInline",
    "RolePermissions",
    "TenantAdmin",
    "TenantForm",
    "TenantInline",
    "VastAdmin",
    "action",
    "actor_of",
    "display",
    "has_role",
    "leave",
    "tells_errors",
]

from tenants.admin import people, users  # noqa: F401 (registers)
