"""The audit log's part of the admin's first page: how far it is sealed."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse

from audit.models import AuditSeal
from core.admin import has_role
from core.admin.home import Home, Panel
from core.permissions import Role


def home(request: HttpRequest) -> Home:
    if not has_role(request, Role.ADMIN):
        return Home()
    last = AuditSeal.objects.order_by("-sequence").first()
    rows = {"last": last, "link": reverse("admin:audit_auditlog_changelist")}
    panel = Panel(title="Seal of the audit log", template="admin/audit/home_seal.html", rows=rows)
    return Home(title="Audit", place=4, panels=[panel])
