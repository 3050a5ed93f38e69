"""The webhooks' part of the admin's first page: those that were switched off."""

from __future__ import annotations

from django.http import HttpRequest

from core.admin import has_role
from core.admin.home import Home, Panel
from core.permissions import Role
from webhooks.models import WebhookSubscription

PANEL_ROWS = 8


def home(request: HttpRequest) -> Home:
    if not has_role(request, Role.ADMIN):
        return Home()
    switched_off = WebhookSubscription.objects.filter(is_enabled=False, workspace__deleted_at=None)
    rows = list(switched_off.exclude(off_reason="").order_by("-updated_at")[:PANEL_ROWS])
    if not rows:
        return Home()
    template = "admin/webhooks/home_switched_off.html"
    return Home(panels=[Panel(title="Webhooks that were switched off", template=template, rows=rows)])
