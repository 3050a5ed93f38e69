"""The base classes of every app's admin."""

from core.admin.base import (
    ReadOnlyAdmin,
    ReadOnlyInline,
    RolePermissions,
    TenantAdmin,
    TenantForm,
    TenantInline,
    UncountedAdmin,
    actor_of,
    has_role,
    redirect_or_htmx,
    show_domain_errors,
)
from core.admin.theme import action, display

__all__ = [
    "ReadOnlyAdmin",
    "ReadOnlyInline",
    "RolePermissions",
    "TenantAdmin",
    "TenantForm",
    "TenantInline",
    "UncountedAdmin",
    "action",
    "actor_of",
    "display",
    "has_role",
    "redirect_or_htmx",
    "show_domain_errors",
]
