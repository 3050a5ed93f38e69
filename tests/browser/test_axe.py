"""Every page of the admin meets WCAG 2.2, levels A and AA, as far as axe-core can tell."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import Page

from tests.support.admin_pages import OPERATORS_ONLY, Model, url
from tests.support.admin_rows import Rows
from tests.support.axe import NARROW, WIDE, violations_of

MODELS = [model for model in admin.site._registry if model not in OPERATORS_ONLY]
# Pages beside those of the models.
OTHERS = ["index", "chat", "try_search", "password_change", "shown-once"]
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
