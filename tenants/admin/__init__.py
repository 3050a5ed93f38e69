"""The admin pages of tenants, members, API keys and users."""

from tenants.admin import api_keys, people, users

__all__ = ["api_keys", "people", "users"]
