"""The sidebar of the admin: the pages that the apps announce, below their headings."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse_lazy

from core.apps import SidebarPage, oyl_apps
from core.requests import TenantRequest

# Known sections in their order; others follow.
SECTIONS = ("Knowledge", "Assistants", "Workflows", "Organisation", "System")
HOME = {"items": [{"title": "Overview", "icon": "space_dashboard", "link": reverse_lazy("admin:index")}]}


@cache
def _sections() -> list[dict[str, Any]]:
    pages = [page for config in oyl_apps() for page in config.sidebar]
    found = dict.fromkeys((*SECTIONS, *(page.section for page in pages)))
    return [
        {"title": section, "items": [_item(page) for page in pages if page.section == section]}
        for section in found
    ]


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The items in django-unfold's format; the theme leaves out the pages that the actor may not view."""
    return [HOME, *_sections()]


def _item(page: SidebarPage) -> dict[str, Any]:
    item = {"title": page.title, "icon": page.icon}
    if page.view:

        def is_there(request: TenantRequest) -> bool:
            return (request.operator if page.for_operators else request.actor) is not None

        return {**item, "link": reverse_lazy(f"admin:{page.view}"), "permission": is_there}

    def may_view(request: HttpRequest) -> bool:
        return admin.site.get_model_admin(apps.get_model(page.model)).has_view_permission(request)

    url = f"admin:{page.model.replace('.', '_')}_changelist"
    return {**item, "link": reverse_lazy(url), "permission": may_view}
