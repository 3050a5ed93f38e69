"""The admin pages of tenants, members, API keys and users."""

from tenants.admin import people, users

__all__ = ["people", "users"]
