"""Pages that show a secret once."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from core.isolation.scope import tenant_scope
from tenants.models import ApiKey
from tests.conftest import Person


def test_loading_the_page_of_a_new_key_again_makes_no_other(page: Page, owner: Person):
    page.goto("/admin/tenants/apikey/add/")
    page.locator("[name=name]").fill("Importer")
    page.get_by_label("knowledge:read").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#oyl-secret")).to_contain_text("oyl_")
    page.reload()
    expect(page.locator("#oyl-secret")).to_have_count(0)
    expect(page.get_by_text("What stood here is shown once")).to_be_visible()
    with tenant_scope(owner.tenant_id):
        assert ApiKey.objects.filter(name="Importer").count() == 1
