"""Uploads and the explorer in the admin."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import duckdb
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from core.isolation.scope import tenant_scope
from jobs.drain import work_in_process
from jobs.handlers import handler_of
from tests.conftest import Person
from workspaces.models import DataImport, DataSource, Workspace

ROWS = "shop;day;amount\n" + "".join(f"shop {n % 3};{n % 28 + 1:02}.01.2026;{n},50\n" for n in range(120))


def text_of(response: Any) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return str(content.decode())


@pytest.fixture
def source(owner: Person) -> DataSource:
    """With 120 rows, uploaded by the pages."""
    _upload(owner, ROWS + "=2+5;01.02.2026;\n")
    found = _newest(owner)
    answer = owner.client.post(
        reverse("admin:data_sources_import", args=[found.pk]), _form(owner, found, do="start")
    )
    assert answer.status_code == 302
    work_in_process(handler_of(DataImport), owner.tenant_id)
    return _newest(owner)


def _upload(owner: Person, text: str) -> Any:
    with tenant_scope(owner.tenant_id):
        workspace, _ = Workspace.objects.get_or_create(name="Shops")
    file = SimpleUploadedFile("sales.csv", text.encode())
    data = {"workspace": workspace.pk, "name": "Sales", "file": file}
    return owner.client.post(reverse("admin:data_sources_upload"), data)


def _newest(owner: Person) -> DataSource:
    with tenant_scope(owner.tenant_id):
        found: DataSource = DataSource.objects.get(name="Sales")
    return found


def _form(owner: Person, source: DataSource, **changes: str) -> dict[str, str]:
    """As the page sends it."""
    page = text_of(owner.client.get(reverse("admin:data_sources_import", args=[source.pk])))
    form = {"has_header": "on"}
    form |= dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', page))
    for name, options in re.findall(r'<select[^>]*name="(\w+)".*?>(.*?)</select>', page, re.S):
        form[name] = re.findall(r'value="([^"]*)"\s+selected', options)[0]
    return {**form, **changes}


def explore(owner: Person, source: DataSource, **query: str) -> str:
    response = owner.client.get(reverse("admin:data_sources_explore", args=[source.pk]), query)
    assert response.status_code == 200
    return text_of(response)


def test_form_of_the_file_is_shown_and_corrected(owner: Person):
    _upload(owner, ROWS)
    source = _newest(owner)
    page = text_of(owner.client.get(reverse("admin:data_sources_import", args=[source.pk])))
    assert "shop 1" in page and "%d.%m.%Y" in page
    address = reverse("admin:data_sources_import", args=[source.pk])
    form = _form(owner, source)
    assert (form["type_0"], form["type_1"], form["type_2"]) == ("text", "date", "decimal")
    owner.client.post(address, {**form, "do": "look", "type_2": "text"})
    assert _form(owner, source)["type_2"] == "text"
    owner.client.post(address, _form(owner, source, do="start"))
    work_in_process(handler_of(DataImport), owner.tenant_id)
    assert "120 rows were imported" in text_of(owner.client.get(address))
    assert [column["type"] for column in _newest(owner).schema_json] == ["text", "date", "text"]


def test_cells_that_cannot_be_read_are_listed(owner: Person):
    _upload(owner, ROWS + "shop 9;32.13.2026;1,5\n")
    source = _newest(owner)
    address = reverse("admin:data_sources_import", args=[source.pk])
    owner.client.post(address, _form(owner, source, do="start", type_1="date", date_format="%d.%m.%Y"))
    work_in_process(handler_of(DataImport), owner.tenant_id)
    page = text_of(owner.client.get(address))
    assert "32.13.2026" in page and "122" in page


def test_rows_are_paged_filtered_and_sorted(owner: Person, source: DataSource):
    first = explore(owner, source)
    assert "Rows 1 to 50" in first and "Next page" in first and "Previous page" not in first
    assert "Rows 101 to 121" in explore(owner, source, page="2")
    sorted_down = explore(owner, source, sort="amount", desc="1")
    assert sorted_down.index("119.5") < sorted_down.index("118.5")
    found = explore(
        owner, source, column0="amount", op0="gt", value0="100", column1="shop", op1="is", value1=""
    )
    assert "Rows 1 to 0" not in found
    some = explore(
        owner, source, column0="shop", op0="contains", value0="HOP 1", column1="amount", op1="lt", value1="9"
    )
    assert "Rows 1 to 3" in some


def test_chart_sql_and_profile(owner: Person, source: DataSource):
    chart = explore(owner, source, view="chart", function="sum", column="amount", group="shop")
    assert chart.count("<rect") >= 3 and "2440" in chart
    profile = explore(owner, source, view="profile")
    assert "shop 0 (40)" in profile and "119.5" in profile
    address = reverse("admin:data_sources_explore", args=[source.pk]) + "?view=sql"
    answer = text_of(owner.client.post(address, {"sql": "SELECT count(*) AS number FROM sales"}))
    assert "number" in answer and "121" in answer
    refused = text_of(owner.client.post(address, {"sql": "DROP VIEW sales"}))
    assert "only SELECT is allowed" in refused


def test_downloads_have_all_rows_and_no_formulas(owner: Person, source: DataSource, tmp_path: Any):
    address = reverse("admin:data_sources_explore", args=[source.pk])
    response = owner.client.get(address, {"download": "csv", "sort": "amount"})
    assert response["Content-Disposition"] == 'attachment; filename="sales.csv"'
    rows = list(csv.reader(io.StringIO(text_of(response))))
    assert (rows[0], len(rows), rows[-1][0]) == (["shop", "day", "amount"], 122, "'=2+5")
    form = {"sql": "SELECT * FROM sales", "download": "parquet"}
    parquet: Any = owner.client.post(f"{address}?view=sql", form)
    path = tmp_path / "sales.parquet"
    path.write_bytes(b"".join(parquet.streaming_content))
    found = duckdb.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchall()
    assert found == [(121,)]


def test_pages_of_others_are_not_there(owner: Person, stranger: Person, source: DataSource):
    for name in ("data_sources_explore", "data_sources_import"):
        assert stranger.client.get(reverse(f"admin:{name}", args=[source.pk])).status_code == 404
