"""The first page of the admin, made of the apps' parts."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest
from django.utils.module_loading import import_string

from core.admin.home import Home, NextStep, Panel
from core.apps import oyl_apps
from core.requests import TenantRequest

FOR_OPERATORS = Home(
    next_step=NextStep(
        sentence="You are in no organisation. Below System you find users, platform events and task results.",
        link="/admin/enter-tenant/",
        button="Enter an organisation",
    ),
    panels=[Panel(title="How OYL is", template="admin/home_health.html", rows=())],
)


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The template's context, for django-unfold's `DASHBOARD_CALLBACK`."""
    if cast(TenantRequest, request).operator:
        parts = [FOR_OPERATORS]
    else:
        parts = [import_string(config.home)(request) for config in oyl_apps() if config.home]
    return {
        **context,
        "title": "Overview",
        "parts": sorted((part for part in parts if part.tiles or part.panels), key=lambda part: part.place),
        "next_step": next((part.next_step for part in parts if part.next_step), None),
    }
