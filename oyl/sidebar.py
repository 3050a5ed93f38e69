"""The sidebar of the admin: the pages that the apps announce, below their headings."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse_lazy

from core.apps import SidebarPage, oyl_apps

# Headings in their order; any other one comes after them.
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
    """As django-unfold expects it. The theme leaves out the pages that the actor may not view."""
    return [HOME, *_sections()]


def _item(page: SidebarPage) -> dict[str, Any]:
    item = {"title": page.title, "icon": page.icon}
    if page.view:
        return {**item, "link": reverse_lazy(f"admin:{page.view}")}
    address = f"admin:{page.model.replace('.', '_')}_changelist"
    return {**item, "link": reverse_lazy(address), "permission": _may_view(page.model)}


def _may_view(model: str) -> Callable[[HttpRequest], bool]:
    """Whether the page's own admin lets the actor view it."""
    return lambda request: admin.site.get_model_admin(apps.get_model(model)).has_view_permission(request)
