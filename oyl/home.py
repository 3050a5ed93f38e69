"""The first page of the admin, made of the apps' parts."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.module_loading import import_string

from core.apps import oyl_apps


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The template's context, for django-unfold's `DASHBOARD_CALLBACK`."""
    parts = [import_string(config.home)(request) for config in oyl_apps() if config.home]
    return {
        **context,
        "title": "Overview",
        "tiles": [tile for part in parts for tile in part.tiles],
        "panels": [panel for part in parts for panel in part.panels],
        "next_step": next((part.next_step for part in parts if part.next_step), None),
    }
