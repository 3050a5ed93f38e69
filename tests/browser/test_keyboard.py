"""The console by the keyboard alone. Pages with a form put the focus into its first field."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

IN_CONTENT = "document.activeElement.closest('#content') !== null"


@pytest.mark.parametrize("name", ["index", "knowledge_document_changelist", "chat"])
def test_first_tab_offers_to_skip_the_sidebar(name: str, page: Page):
    page.goto(reverse(f"admin:{name}"))
    page.keyboard.press("Tab")
    link = page.get_by_role("link", name="Skip to the content")
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate(IN_CONTENT)
