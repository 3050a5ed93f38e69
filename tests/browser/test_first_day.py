"""A first administrator's way from signing in to a passage of their own file."""

from __future__ import annotations

from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.conftest import PASSWORD, Person
from tests.support.server import working

MOST_CLICKS, MOST_FIELDS = 8, 3


class Hand:
    """Counts what a person does."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks, self.fields = page, 0, 0

    def click(self, role: str, name: str) -> None:
        self.clicks += 1
        self.page.get_by_role(role, name=name).first.click()  # type: ignore[arg-type]

    def write(self, name: str, text: str) -> None:
        self.fields += 1
        self.page.locator(f"[name={name}]").fill(text)


def test_own_file_is_found_in_few_steps(owner: Person, address: str, browser: Browser):
    page = browser.new_page(base_url=address)
    page.set_default_timeout(60_000)
    hand = Hand(page)
    page.goto("/admin/")
    hand.write("username", owner.user.email)
    hand.write("password", PASSWORD)
    hand.click("button", "Log in")
    hand.click("link", "Upload documents")
    hand.click("button", "Start with one named")
    hand.clicks += 1  # in the dialog of the browser
    content = b"# Bees\n\nHoney bees dance to tell their sisters where the flowers are.\n"
    page.locator("[name=documents]").set_input_files(FilePayload(name="bees.md", mimeType="", buffer=content))
    hand.click("button", "Upload")
    with working(owner.tenant_id):
        hand.click("link", "See how they are read")
        expect(page.get_by_text("1 passage")).to_be_visible()
    hand.click("link", "Try a search")
    hand.write("query", "How do honey bees tell where flowers are?")
    page.keyboard.press("Enter")
    expect(
        page.locator("mark", has_text="dance").or_(page.locator("mark", has_text="flowers")).first
    ).to_be_visible()
    assert hand.clicks <= MOST_CLICKS and hand.fields <= MOST_FIELDS
    page.close()
