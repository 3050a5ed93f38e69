"""The admin of tenants, their people and keys."""

from tenants.admin import people, users

__all__ = ["people", "users"]
