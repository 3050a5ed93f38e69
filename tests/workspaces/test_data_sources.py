"""Imports into data sources, and queries over them, through the commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError
from openpyxl import Workbook

from audit.models import AuditLog
from core.isolation.scope import tenant_scope
from tests.conftest import Person
from tests.workspaces.commands import import_file, query, run
from tests.workspaces.tables import ODS_TABLE, write_ods
from workspaces.models import DataImport, DataSource, Workspace

SALES = "id;shop;day;amount\n1;north;01.02.2026;19,99\n2;south;03.02.2026;0,01\n3;north;28.02.2026;5\n"


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    path = tmp_path / "sales.csv"
    path.write_text(SALES)
    return path


def test_text_is_recognised_and_summed_exactly(owner: Person, sales: Path):
    result = import_file(owner, sales)
    assert (result["rows"], result["warnings"]) == (3, [])
    assert [(c["name"], c["type"]) for c in result["columns"]] == [
        ("id", "integer"),
        ("shop", "text"),
        ("day", "date"),
        ("amount", "decimal"),
    ]
    found = query(
        owner, 'SELECT shop, sum(amount) AS total, min(day) AS first FROM "Sales" GROUP BY ALL ORDER BY 1'
    )
    assert found == [
        {"shop": "north", "total": 24.99, "first": "2026-02-01"},
        {"shop": "south", "total": 0.01, "first": "2026-02-03"},
    ]


def test_schema_and_profile_describe_the_columns(owner: Person, sales: Path):
    import_file(owner, sales)
    source = _source(owner)
    shop = source.schema_json[1]
    assert shop == {
        "name": "shop",
        "type": "text",
        "nullable": False,
        "description": "",
        "unit": "",
        "example": "north",
    }
    assert source.profile_json[1]["frequent"] == [["north", 2]]
    assert (source.profile_json[3]["least"], source.profile_json[3]["greatest"]) == (0.01, 19.99)
    assert (source.row_count, source.generation) == (3, 1)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_encodings_are_recognised(owner: Person, tmp_path: Path, encoding: str):
    path = tmp_path / "towns.csv"
    rows = "".join(f"{number},Düsseldorf und Köln für ältere Gäste,0{number}\n" for number in range(1, 40))
    path.write_bytes(("number,name,code\n" + rows).encode(encoding))
    import_file(owner, path)
    assert query(owner, "SELECT name, code FROM sales WHERE number = 7") == [
        {"name": "Düsseldorf und Köln für ältere Gäste", "code": "07"}
    ]


def test_later_row_that_does_not_fit_makes_the_column_text(owner: Person, tmp_path: Path):
    path = tmp_path / "long.csv"
    path.write_text("number,other\n" + "1,2\n" * 30_000 + "none,3\n")
    result = import_file(owner, path)
    assert result["rows"] == 30_001
    assert result["warnings"] == ["'number' is text, because of row 30002: 'none'."]
    assert query(owner, "SELECT count(*) AS n FROM sales WHERE number = 'none'") == [{"n": 1}]


def test_later_decimal_with_more_places_stays_exact(owner: Person, tmp_path: Path):
    path = tmp_path / "long.csv"
    path.write_text("price\n" + "1.25\n" * 30_000 + "0.123456789\n")
    result = import_file(owner, path)
    assert result["warnings"] == ["'price' is number, because of row 30002: '0.123456789'."]
    assert query(owner, "SELECT min(price) AS least FROM sales") == [{"least": 0.123456789}]


def test_what_cannot_be_read_is_named_and_the_rows_before_stay(owner: Person, sales: Path, tmp_path: Path):
    import_file(owner, sales)
    broken = tmp_path / "sales.csv"
    broken.write_text("id;shop;day;amount\n1;north;01.02.2026;19,99\n2;south;03.02.2026;much\n3;west\n")
    with pytest.raises(CommandError, match=r"row 3, column 'amount': 'much'") as caught:
        import_file(owner, broken, "--type", "amount=decimal")
    assert "row 4" in str(caught.value)
    assert query(owner, "SELECT count(*) AS n FROM sales") == [{"n": 3}]
    with tenant_scope(owner.tenant_id):
        failed = DataImport.objects.get(state="error")
    assert (failed.error_code, failed.errors_json[0]["row"]) == ("table_cells", 3)


def test_new_rows_replace_those_before_and_their_file(owner: Person, sales: Path, tmp_path: Path):
    import_file(owner, sales)
    before = _source(owner)
    with tenant_scope(owner.tenant_id):
        schema = [{**column, "description": f"the {column['name']}"} for column in before.schema_json]
        DataSource.objects.filter(pk=before.pk).update(schema_json=schema)
    sales.write_text(SALES + "4;west;28.02.2026;7,5\n")
    import_file(owner, sales)
    after = _source(owner)
    assert (after.row_count, after.generation, after.schema_json[1]["description"]) == (4, 2, "the shop")
    assert default_storage.exists(after.file_path) and not default_storage.exists(before.file_path)
    with tenant_scope(owner.tenant_id):
        assert AuditLog.objects.filter(action="data_source.imported", object_id=after.pk).count() == 2


def test_workbooks_keep_texts_dates_and_numbers(owner: Person, tmp_path: Path):
    path = tmp_path / "book.xlsx"
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in ODS_TABLE:
        sheet.append(row)
    book.save(path)
    _assert_workbook(owner, path)


def test_open_document_sheets_keep_texts_dates_and_numbers(owner: Person, tmp_path: Path):
    path = tmp_path / "book.ods"
    write_ods(path, ODS_TABLE)
    _assert_workbook(owner, path)


def _assert_workbook(owner: Person, path: Path) -> None:
    result = import_file(owner, path)
    assert [c["type"] for c in result["columns"]] == ["text", "date", "decimal", "boolean"]
    assert query(owner, "SELECT code, day, price, paid FROM sales ORDER BY day") == [
        {"code": "007", "day": "2026-01-31", "price": 2.5, "paid": True},
        {"code": "12", "day": "2026-02-01", "price": 19.99, "paid": False},
    ]


def test_json_lines_and_parquet(owner: Person, tmp_path: Path):
    path = tmp_path / "events.jsonl"
    path.write_text('{"kind": "a", "place": {"town": "Ulm"}}\n{"kind": "b", "place": null}\n')
    assert import_file(owner, path)["rows"] == 2
    assert query(owner, "SELECT place.town AS town FROM sales ORDER BY kind") == [
        {"town": "Ulm"},
        {"town": None},
    ]
    copy = tmp_path / "copy.parquet"
    copy.write_bytes(Path(default_storage.path(_source(owner).file_path)).read_bytes())
    assert import_file(owner, copy, name="Copy")["rows"] == 2
    assert query(owner, "SELECT count(*) AS n FROM copy") == [{"n": 2}]


def test_damaged_and_unknown_files_are_refused(owner: Person, tmp_path: Path):
    for name, content, word in (
        ("book.xlsx", b"no archive", "damaged"),
        ("rows.parquet", b"no parquet", "PARQUET"),
        ("photo.png", b"\x89PNG", "no table"),
        ("none.csv", b"", "no columns"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(CommandError, match=word):
            import_file(owner, path)


def test_queries_see_only_the_own_workspace(owner: Person, stranger: Person, sales: Path):
    import_file(owner, sales)
    run("import_data", str(sales), "--workspace", "Shops", "--name", "Theirs", owner=stranger)
    run("import_data", str(sales), "--workspace", "Other", "--name", "Beside", owner=owner)
    for name in ("theirs", "beside", "data_sources"):
        with pytest.raises(CommandError, match=f"no data source '{name}'"):
            run("query", f"SELECT * FROM {name}", "--workspace", "Shops", owner=owner)
    with pytest.raises(CommandError, match="Several workspaces"):
        query(owner, "SELECT 1")


def _source(owner: Person) -> DataSource:
    with tenant_scope(owner.tenant_id):
        workspace = Workspace.objects.get(name="Shops")
        source: DataSource = DataSource.objects.get(name="Sales", workspace=workspace)
    return source
