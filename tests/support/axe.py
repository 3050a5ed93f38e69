"""What axe-core finds against WCAG 2.2, levels A and AA, on pages in a browser."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
Colours = Literal["light", "dark"]
WIDE: tuple[int, Colours] = (1280, "light")
NARROW: tuple[int, Colours] = (375, "dark")


def violations(page: Page) -> dict[str, list[str]]:
    """Of the page as it is now."""
    result = Axe().run(page, options={"runOnly": {"type": "tag", "values": LEVELS}}).response
    return {
        f"{page.url} {violation['id']}": [node["html"][:160] for node in violation["nodes"]]
        for violation in result["violations"]
    }


def violations_of(
    page: Page, addresses: Iterable[str], looks: Iterable[tuple[int, Colours]]
) -> dict[str, list[str]]:
    """Of the pages at these addresses, at each width and in its colours."""
    pages = list(addresses)
    found: dict[str, list[str]] = {}
    for width, colours in looks:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=colours)
        for address in pages:
            page.goto(address)
            found |= {f"{width} {colours} {what}": where for what, where in violations(page).items()}
    return found
