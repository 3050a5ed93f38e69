"""The sidebar of the admin: the pages that the apps announce, below their headings."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils.text import capfirst

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
    if page.view:
        item = {"title": page.title, "icon": page.icon}

        def is_there(request: TenantRequest) -> bool:
            return (request.operator if page.for_operators else request.actor) is not None

        return {**item, "link": reverse_lazy(f"admin:{page.view}"), "permission": is_there}

    model = apps.get_model(page.model)

    def may_view(request: HttpRequest) -> bool:
        return admin.site.get_model_admin(model).has_view_permission(request)

    return {
        "title": capfirst(model._meta.verbose_name_plural),
        "icon": page.icon,
        "link": reverse_lazy(f"admin:{page.model.replace('.', '_')}_changelist"),
        "permission": may_view,
    }


@cache
def section_of(opts: Any) -> str:
    """The section with the list of a model; of a model without a list there, that of its app's first page."""
    pages = [page for config in oyl_apps() for page in config.sidebar]
    own = [page for page in pages if page.model == opts.label_lower]
    return (own or [page for page in pages if page.model.startswith(f"{opts.app_label}.")])[0].section
