"""The console by the keyboard alone."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

FOCUS = "document.activeElement.closest('#content') !== null"


@pytest.mark.parametrize(
    "name", ["index", "knowledge_document_changelist", "workspaces_workspace_add", "chat"]
)
def test_first_tab_offers_to_skip_the_sidebar(name: str, page: Page):
    page.goto(reverse(f"admin:{name}"))
    page.evaluate("document.activeElement.blur()")  # forms put the focus into their first field
    page.keyboard.press("Tab")
    link = page.get_by_role("link", name="Skip to the content")
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS)
