"""What every page shows of the viewer: a passkey, from the account page to the sign-in; times in their own zone; and names
of links and buttons."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from core.isolation.scope import tenant_scope
from tests.conftest import PASSWORD, Person
from workspaces.models import Workspace

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}


def test_a_passkey_is_added_and_used(owner: Person, address: str, browser: Browser):
    """With a virtual device, and under a name: browsers take no passkey for a number."""
    named = address.replace("127.0.0.1", "localhost")
    context = browser.new_context(base_url=named)
    page = context.new_page()
    page.set_default_timeout(30_000)
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    page.goto("/admin/account/")
    page.get_by_label("E-mail").fill(owner.user.email)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("recovery codes").first).to_be_visible()
    page.goto("/admin/account/")
    expect(page.get_by_text("Laptop")).to_be_visible()
    context.clear_cookies()
    page.goto("/admin/login/?next=/admin/account/")
    page.get_by_label("E-mail").fill(owner.user.email)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("Laptop")).to_be_visible()
    context.close()


@pytest.fixture
def in_tokyo(owner: Person, address: str, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens an address as the owner, in a browser far away."""
    contexts = []

    def open_page(path: str, **options: Any) -> Page:
        given = {"base_url": address, "timezone_id": "Asia/Tokyo", "locale": "en-GB", **options}
        contexts.append(context := browser.new_context(**given))
        name = settings.SESSION_COOKIE_NAME
        value = owner.client.cookies[name].value
        context.add_cookies([{"name": name, "value": value, "url": address}])
        page = context.new_page()
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def workspaces(owner: Person) -> None:
    changed = {"Archive": "2026-01-31T20:59:12Z", "Present": timezone.now() - timedelta(hours=3, minutes=5)}
    with tenant_scope(owner.tenant_id):
        for name, at in changed.items():
            Workspace.objects.filter(pk=Workspace.objects.create(name=name).pk).update(updated_at=at)


def test_times_are_the_viewers_own(in_tokyo: Callable[..., Page], owner: Person, workspaces: None):
    """In lists and on an object's page: an old one as a date, a new one as the time that has passed."""
    page = in_tokyo("/admin/workspaces/workspace/")
    old = page.locator("time[datetime='2026-01-31T20:59:12Z']").first
    expect(old).to_have_text("1 Feb 2026, 05:59")
    expect(old).to_have_attribute("title", "1 Feb 2026, 05:59:12 GMT+9")
    expect(page.get_by_text("3 hours ago", exact=True)).to_be_visible()
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('p'), {id: 'late',"
        " textContent: 'at 2026-01-31\\u00a020:59:12\\u00a0UTC, later'}))"
    )
    expect(page.locator("#late")).to_have_text("at 1 Feb 2026, 05:59, later")
    page = in_tokyo(f"/admin/tenants/tenant/{owner.tenant_id}/change/")
    expect(page.locator("time").first).to_have_text(re.compile("ago|now"))


def test_without_scripts_times_are_written_in_utc(in_tokyo: Callable[..., Page], workspaces: None):
    page = in_tokyo("/admin/workspaces/workspace/", java_script_enabled=False)
    expect(page.get_by_text("2026-01-31 20:59:12 UTC", exact=True)).to_have_count(1)


def test_icons_are_no_part_of_names(page: Page):
    page.goto("/admin/")
    expect(page.get_by_role("link", name="Data sources", exact=True)).to_be_visible()
    names = page.get_by_role("navigation").aria_snapshot()
    assert "table_chart" not in names and "_" not in re.sub(r"/url: \S+", "", names)


def test_controls_of_an_icon_alone_have_names(page: Page):
    page.goto("/admin/workspaces/workspace/add/")
    nameless = page.evaluate(
        "[...document.querySelectorAll('a, button')].filter((one) => one.checkVisibility()"
        " && !one.textContent.trim() && !one.ariaLabel && !one.title && !one.querySelector('img[alt]')).length"
    )
    assert nameless == 0
