"""How the admin looks: its name, colours, and the navigation in the sidebar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _may_view(model: str) -> Callable[[HttpRequest], bool]:
    """Whether the page's own admin lets the actor look at it."""

    def permission(request: HttpRequest) -> bool:
        from django.apps import apps
        from django.contrib import admin

        model_admin = admin.site.get_model_admin(apps.get_model(model))
        return model_admin.has_view_permission(request)

    return permission


def _page(title: str, icon: str, model: str) -> dict[str, Any]:
    app, name = model.split(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": _may_view(model),
    }


UNFOLD = {
    "SITE_TITLE": "OYL",
    "SITE_HEADER": "OYL",
    "SITE_SUBHEADER": "oyl.site.tenant_name",
    "SITE_DROPDOWN": "oyl.site.other_tenants",
    "SITE_SYMBOL": "menu_book",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("oyl/icon.svg")},
    ],
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "knowledge.admin.dashboard.dashboard",
    "STYLES": [lambda request: static("oyl/admin.css")],
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "primary": {
            "50": "oklch(98.4% .014 180.7)",
            "100": "oklch(95.3% .051 180.8)",
            "200": "oklch(91% .096 180.4)",
            "300": "oklch(85.5% .138 181.1)",
            "400": "oklch(77.7% .152 181.9)",
            "500": "oklch(70.4% .14 182.5)",
            "600": "oklch(53% .1 184)",
            "700": "oklch(45% .09 186.4)",
            "800": "oklch(43.7% .078 188.2)",
            "900": "oklch(38.6% .063 188.4)",
            "950": "oklch(27.7% .046 192.5)",
        }
    },
    "SIDEBAR": {
        "navigation": [
            {
                "items": [
                    {"title": "Overview", "icon": "space_dashboard", "link": reverse_lazy("admin:index")}
                ]
            },
            {
                "title": "Knowledge",
                "items": [
                    _page("Documents", "description", "knowledge.document"),
                    _page("References", "library_books", "knowledge.reference"),
                    _page("Knowledge bases", "hub", "knowledge.knowledgebase"),
                    _page("Tags", "sell", "knowledge.tag"),
                    {
                        "title": "Try a search",
                        "icon": "search",
                        "link": reverse_lazy("admin:try_search"),
                    },
                ],
            },
            {
                "title": "Assistants",
                "items": [
                    _page("Assistants", "smart_toy", "assistants.assistant"),
                    _page("Teammates", "groups", "assistants.teammate"),
                    _page("Published instructions", "edit_note", "assistants.instruction"),
                ],
            },
            {
                "title": "Workflows",
                "items": [
                    _page("Workflows", "account_tree", "workflows.workflow"),
                    _page("Runs", "play_circle", "workflows.workflowrun"),
                ],
            },
            {
                "title": "Organisation",
                "items": [
                    _page("Workspaces", "workspaces", "workspaces.workspace"),
                    _page("Data sources", "table_chart", "workspaces.datasource"),
                    _page("Integrations", "electrical_services", "workspaces.integrationconfig"),
                    _page("Members", "badge", "tenants.membership"),
                    _page("API keys", "key", "tenants.apikey"),
                    _page("Organisation", "domain", "tenants.tenant"),
                ],
            },
            {
                "title": "System",
                "items": [
                    _page("Ingestion jobs", "manufacturing", "knowledge.ingestionjob"),
                    _page("Audit log", "history", "audit.auditlog"),
                    _page("Users", "manage_accounts", "tenants.user"),
                ],
            },
        ],
    },
}
