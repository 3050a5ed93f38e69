"""A file of rows in the browser: looked into, imported, sorted, drawn."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from core.isolation.scope import tenant_scope
from jobs.drain import work_in_process
from jobs.handlers import handler_of
from tests.conftest import Person
from tests.support.axe import violations
from workspaces.models import DataImport, Workspace


def test_file_of_rows(owner: Person, page: Page, tmp_path: Path) -> None:
    rows = "".join(f"{n};shop {n % 4};{n % 28 + 1:02}.01.2026;{n * 7 % 90},50\n" for n in range(1, 200))
    path = tmp_path / "Sales 2026.csv"
    path.write_text("id;shop;day;amount\n" + rows)
    with tenant_scope(owner.tenant_id):
        workspace = Workspace.objects.create(name="Shops")
    page.goto("/admin/workspaces/datasource/upload/")
    page.select_option("#id_workspace", str(workspace.pk))
    page.fill("#id_name", "Sales")
    page.set_input_files("#id_file", path)
    page.get_by_role("button", name="Look into the file").click()
    expect(page.get_by_label("Date format")).to_have_value("%d.%m.%Y")
    assert not violations(page)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("The file is being imported")).to_be_visible()
    work_in_process(handler_of(DataImport), owner.tenant_id)
    expect(page.get_by_text("199 rows were imported")).to_be_visible()
    page.get_by_role("link", name="Explore its rows").click()
    page.get_by_role("link", name="amount").click()
    expect(page.get_by_role("link", name="amount ↑")).to_be_visible()
    assert not violations(page)
    page.get_by_role("link", name="Chart", exact=True).click()
    page.get_by_label("What is drawn").select_option("sum")
    page.get_by_label("Of which column").select_option("amount")
    page.get_by_label("By which column").select_option("shop")
    page.get_by_role("button", name="Draw").click()
    expect(page.get_by_role("rowheader", name="shop 1")).to_be_visible()
    page.get_by_role("link", name="SQL", exact=True).click()
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("100 rows in")).to_be_visible()
    assert not violations(page)
    page.get_by_role("link", name="Profile").click()
    assert not violations(page)
