"""The keys of Django's caches: the entries of tenants are separate."""

from __future__ import annotations

from core.isolation.scope import scope_name


def tenant_key(key: str, prefix: str, version: int) -> str:
    """The `KEY_FUNCTION` of every cache. A library that caches by person or term, as the admin's theme does for its search,
    would show one tenant's entries in another."""
    return f"{prefix}:{version}:{scope_name()}:{key}"
