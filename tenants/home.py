"""The organisation's part of the admin's first page: what is used of its quotas."""

from __future__ import annotations

from django.http import HttpRequest

from core.admin import has_role
from core.admin.home import Home, Panel
from core.permissions import Role
from core.quotas import standings


def home(request: HttpRequest) -> Home:
    if not has_role(request, Role.ADMIN):
        return Home()
    panel = Panel(
        title="Storage and other quotas", template="admin/tenants/home_quotas.html", rows=standings()
    )
    return Home(title="Organisation", place=3, panels=[panel])
