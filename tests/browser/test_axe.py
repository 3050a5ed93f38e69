"""Every page of the admin meets WCAG 2.2, levels A and AA, as far as axe-core can tell."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import Page

from tests.support.admin_pages import OPERATORS_ONLY, Model, url
from tests.support.admin_rows import Rows

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
Colours = Literal["light", "dark"]
WIDE: tuple[int, Colours] = (1280, "light")
NARROW: tuple[int, Colours] = (375, "dark")
MODELS = [model for model in admin.site._registry if model not in OPERATORS_ONLY]
# Pages beside those of the models.
OTHERS = ["index", "chat", "try_search", "password_change", "shown-once"]
# The suite looks at a few models; --long looks at all, at both widths.
A_FEW = 4


def addresses(kind: str, models: Sequence[Model], rows: Rows) -> Iterator[str]:
    """Of all pages of a kind."""
    if kind == "other":
        yield from (reverse(f"admin:{name}") for name in OTHERS)
    elif kind in ("changelist", "add"):
        yield from (url(model, kind) for model in models)
    else:
        yield from (url(model, kind, rows[model].pk) for model in models if model in rows)


def violations(page: Page, address: str) -> dict[str, list[str]]:
    page.goto(address)
    result = Axe().run(page, options={"runOnly": {"type": "tag", "values": LEVELS}}).response
    return {
        f"{address} {violation['id']}": [node["html"][:160] for node in violation["nodes"]]
        for violation in result["violations"]
    }


@pytest.mark.parametrize("kind", ["changelist", "add", "change", "delete", "history", "other"])
def test_pages_have_no_violation(kind: str, page: Page, rows: Rows, request: pytest.FixtureRequest):
    is_long = request.config.getoption("--long")
    models = MODELS if is_long else MODELS[:A_FEW]
    found: dict[str, list[str]] = {}
    for width, colours in (WIDE, NARROW) if is_long else (WIDE,):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=colours)
        for address in addresses(kind, models, rows):
            found |= violations(page, address)
    assert not found, json.dumps(found, indent=1)
