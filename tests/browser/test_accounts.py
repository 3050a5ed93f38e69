"""One's account in the browser: a passkey, from the account page to the sign-in."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.conftest import PASSWORD, Person

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
