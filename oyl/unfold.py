"""The admin's theme: name, colours and navigation."""

from __future__ import annotations

from django.templatetags.static import static
from django.urls import reverse_lazy

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
    "DASHBOARD_CALLBACK": "oyl.home.home",
    "ACCOUNT": {
        "navigation": [
            {"title": "Your account", "link": reverse_lazy("admin:account")},
            {"title": "Change password", "link": reverse_lazy("admin:password_change")},
        ]
    },
    "STYLES": [lambda request: static("oyl/admin.css")],
    "SCRIPTS": [
        lambda request: static("oyl/file_inputs.js"),
        lambda request: static("oyl/select_labels.js"),
        lambda request: static("oyl/icons.js"),
        lambda request: static("oyl/times.js"),
    ],
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
    "SIDEBAR": {"navigation": "oyl.sidebar.navigation"},
}
