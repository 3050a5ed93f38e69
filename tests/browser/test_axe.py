"""Every page of the admin meets WCAG 2.2, levels A and AA, as far as axe-core can tell."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest
from django.conf import settings
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import Page

from tenants.models import User
from tests.conftest import browser
from tests.support.admin_pages import OPERATORS_ONLY, Model, url
from tests.support.admin_rows import Rows
from tests.support.axe import NARROW, WIDE, violations_of

MODELS = [model for model in admin.site._registry if model not in OPERATORS_ONLY]
# Pages beside those of the models.
OTHERS = [
    "index",
    "account",
    "turn_on_second_factor",
    "add_passkey",
    "chat",
    "try_search",
    "password_change",
    "shown-once",
]
# The suite looks at a few models; --long looks at all, at both widths.
A_FEW = 2


def addresses(kind: str, models: Sequence[Model], rows: Rows) -> Iterator[str]:
    """Of all pages of a kind."""
    if kind == "other":
        yield from (reverse(f"admin:{name}") for name in OTHERS)
    elif kind in ("changelist", "add"):
        yield from (url(model, kind) for model in models)
    else:
        yield from (url(model, kind, rows[model].pk) for model in models if model in rows)


@pytest.mark.parametrize("kind", ["changelist", "add", "change", "delete", "history", "other"])
def test_pages_have_no_violation(kind: str, page: Page, rows: Rows, request: pytest.FixtureRequest):
    is_long = request.config.getoption("--long")
    models = MODELS if is_long else MODELS[:A_FEW]
    found = violations_of(page, addresses(kind, models, rows), (WIDE, NARROW) if is_long else (WIDE,))
    assert not found, json.dumps(found, indent=1)


def test_pages_of_operators_and_of_the_sign_in_have_no_violation(page: Page, operator: User, address: str):
    page.context.clear_cookies()
    public = [reverse("admin:login"), reverse("admin_password_reset")]
    found = violations_of(page, public, (WIDE, NARROW))
    session = browser(operator).cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": address}])
    page.goto(reverse("admin:index"))
    page.get_by_text("Queues").wait_for()
    found |= violations_of(page, [reverse("admin:index"), reverse("admin:enter_tenant")], (WIDE, NARROW))
    assert not found, json.dumps(found, indent=1)
