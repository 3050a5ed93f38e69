"""Choosing, dropping and sending files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from core.isolation.scope import tenant_scope
from knowledge.models import Document, Reference
from tests.conftest import Person
from tests.support.admin_rows import Rows


@pytest.fixture
def form(page: Page, rows: Rows) -> Locator:
    page.goto(f"/admin/knowledge/document/add/?reference={rows[Reference].pk}")
    return page.locator("[data-upload]")


def choose(form: Locator, **files: bytes) -> None:
    form.locator("[name=documents]").set_input_files(
        [
            FilePayload(name=name.replace("_", "."), mimeType="text/plain", buffer=content)
            for name, content in files.items()
        ]
    )


def send(form: Locator) -> None:
    form.locator("button[type=submit]").click()


def row(form: Locator, name: str) -> Locator:
    return form.locator("[data-files] li").filter(has_text=name)


def documents(person: Person) -> dict[str, list[str]]:
    """External ids of the documents with their tags."""
    with tenant_scope(person.tenant_id):
        return {
            one.external_id: sorted(one.document_tags.values_list("tag__tag", flat=True))
            for one in Document.objects.exclude(external_id="")
        }


def test_choosing_files_changes_no_other_field(form: Locator):
    form.locator("[name=tags]").fill("hr")
    choose(form, a_txt=b"Zebras graze.")
    expect(form.locator("[name=tags]")).to_have_value("hr")
    form.locator("[name=tags]").fill("")
    choose(form, b_txt=b"Zebras run.")
    expect(row(form, "b.txt")).to_be_visible()
    expect(form.locator("[name=tags]")).to_have_value("")
    assert form.locator("[name=tags]").get_attribute("value") is None


def test_a_bad_file_costs_no_other(form: Locator, owner: Person):
    choose(form, a_txt=b"Zebras graze.", empty_txt=b"", b_md=b"# Zebras")
    send(form)
    expect(form.get_by_role("status")).to_have_text("3 files: 3 stored.")
    row(form, "a.txt").get_by_role("link", name="Added").click()
    expect(form.page.get_by_role("heading", name="a.txt").first).to_be_visible()
    assert set(documents(owner)) >= {"a.txt", "b.md", "empty.txt"}


def test_what_the_server_refuses_is_shown_and_sent_again(form: Locator, owner: Person):
    form.locator("[name=metadata]").fill("[1]")
    choose(form, a_txt=b"Zebras graze.")
    send(form)
    expect(row(form, "a.txt").locator("[data-result]")).to_contain_text("object")
    form.locator("[name=metadata]").fill("")
    form.get_by_role("button", name="Try those again").click()
    expect(row(form, "a.txt")).to_contain_text("Added")
    assert documents(owner)["a.txt"] == []


def test_the_same_file_twice_is_named(form: Locator):
    choose(form, a_txt=b"Zebras graze.")
    send(form)
    expect(row(form, "a.txt")).to_contain_text("Added")
    choose(form, copy_txt=b"Zebras graze.")
    send(form)
    expect(row(form, "copy.txt").get_by_role("link", name="another document")).to_be_visible()


def test_a_folder_keeps_its_paths(form: Locator, owner: Person, tmp_path: Path):
    for name in ("2025", "2026"):
        (tmp_path / "reports" / name).mkdir(parents=True)
        (tmp_path / "reports" / name / "report.txt").write_text(f"The report of {name}.")
    form.locator("[webkitdirectory]").set_input_files(tmp_path / "reports")
    form.locator("[name=tags]").fill("yearly, reports")
    send(form)
    expect(form.get_by_role("status")).to_have_text("2 files: 2 stored.")
    tags = ["reports", "yearly"]
    stored: dict[str, Any] = documents(owner)
    assert stored["reports/2025/report.txt"] == stored["reports/2026/report.txt"] == tags


def test_files_can_be_dropped_anywhere_and_more_than_a_hundred(form: Locator, owner: Person):
    form.page.evaluate(
        """() => {
            const data = new DataTransfer();
            for (let i = 0; i < 105; i += 1) data.items.add(new File([`Zebra ${i}.`], `zebra-${i}.txt`));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }"""
    )
    expect(form.locator("[data-files] li")).to_have_count(105)
    row(form, "zebra-104.txt").get_by_role("button", name="Remove").click()
    expect(form.get_by_role("status")).to_have_text("104 files: 104 waiting.")
