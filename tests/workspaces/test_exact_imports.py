"""Values of odd files: none is changed by an import, and what cannot be read is named by its row."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from django.core.management import CommandError
from openpyxl import Workbook
from openpyxl.chart import BarChart

from engines.tables.delimited import SAMPLE_ROWS
from tests.conftest import Person
from tests.workspaces.commands import import_file, query
from tests.workspaces.tables import write_ods

# By the values of a column, the type that it has.
FIRST_ROWS = {
    ("12345678901234567890", "12345678901234567891"): "text",
    ("+4915112345678", "+4915112345679"): "text",
    ("Nan", "Inf"): "text",
    ("1_000", "2_000"): "text",
    ("1E10", "2E20"): "text",
    ("1.0e400", "2.5"): "text",
    ("01/02/24", "13/02/24"): "text",
    ("2024-01-01T10:00:00+02:00", "2024-01-01 10:00"): "text",
    (" 1", "2 "): "integer",
    ("2.5e-7", "1e+20"): "number",
    ("0.30000000000000004", "1.5"): "number",
    ("123456789012.25", "-0.5"): "decimal",
}
# By the values of the first rows and a later one, the type that the column has then.
LATER_ROWS = {
    ("1", "1.5"): "decimal",
    ("2", "0.123456789"): "number",
    ("3", "00123"): "text",
    ("4", "1e3"): "text",
    ("2024-01-01", "24-01-01"): "text",
    ("2024-01-02", "2024-01-02 10:00"): "text",
    ("true", "1"): "text",
    ("10:00", "10:00:00+02"): "text",
    ("2024-01-01 10:00", "2024-01-01 10:00 Europe/Berlin"): "text",
    ("0.1234567", "inf"): "text",
}


def write_csv(path: Path, columns: Sequence[Sequence[str]]) -> Path:
    names = [f"c{number}" for number in range(len(columns))]
    path.write_text("\n".join(",".join(row) for row in [names, *zip(*columns, strict=True)]) + "\n")
    return path


def write_xlsx(path: Path, *rows: Sequence[Any]) -> Path:
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_types_lose_nothing_of_the_first_rows(owner: Person, tmp_path: Path):
    result = import_file(owner, write_csv(tmp_path / "a.csv", list(FIRST_ROWS)))
    assert [column["type"] for column in result["columns"]] == list(FIRST_ROWS.values())
    (first, _) = query(owner, "SELECT * FROM sales")
    assert (first["c0"], first["c1"], first["c10"]) == (
        "12345678901234567890",
        "+4915112345678",
        0.30000000000000004,
    )


def test_types_lose_nothing_of_later_rows(owner: Person, tmp_path: Path):
    columns = [[first] * SAMPLE_ROWS + [later] for first, later in LATER_ROWS]
    result = import_file(owner, write_csv(tmp_path / "a.csv", columns))
    assert [column["type"] for column in result["columns"]] == list(LATER_ROWS.values())
    assert len(result["warnings"]) >= len(LATER_ROWS)
    assert all(f"row {SAMPLE_ROWS + 2}" in warning for warning in result["warnings"])


@pytest.mark.parametrize(
    ("content", "type_", "wrong"),
    [
        ("a\n1\n1.5\n", "integer", "row 3, column 'a': '1.5'"),
        ("a\n2024-01-01\n2024-01-01 10:00\n", "date", "row 3"),
        ("a\n2024-01-01T10:00:00Z\n2024-01-01T10:00:00+02:00\n", "timestamp", "row 3"),
        ('[{"a": 1.5}, {"a": 2}]', "integer", "row 1, column 'a': '1.5'"),
    ],
)
def test_chosen_type_loses_nothing(owner: Person, tmp_path: Path, content: str, type_: str, wrong: str):
    path = tmp_path / f"a.{'json' if content.startswith('[') else 'csv'}"
    path.write_text(content)
    with pytest.raises(CommandError, match=re.escape(wrong)):
        import_file(owner, path, "--type", f"a={type_}")


def test_chosen_type_may_drop_leading_zeros(owner: Person, tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n007,x\n+5,y\n")
    import_file(owner, path, "--type", "a=integer")
    assert query(owner, "SELECT sum(a) AS a FROM sales") == [{"a": 12}]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"a,b\n", []),
        (b"a,b\r\n1,2\n3,4\r\n", [{"a": 1, "b": 2}, {"a": 3, "b": 4}]),
        (b"n,number,value\nx,1,2\nx,1,2\n", [{"n": "x", "number": 1, "value": 2}] * 2),
        (b"a,A,a_1,\n1,2,3,4\n", [{"a": 1, "A_2": 2, "a_1": 3, "column4": 4}]),
        (b'a,b\r\n"x\ny",2\r\n', [{"a": "x\ny", "b": 2}]),
    ],
)
def test_odd_text_is_read(owner: Person, tmp_path: Path, content: bytes, rows: list[dict[str, Any]]):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert import_file(owner, path)["rows"] == len(rows)
    assert query(owner, "SELECT * FROM sales") == rows


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"# exported\nname,n\nAnn,1\n", "row 2"),
        ("a.csv", b'a,b\n"x\ny",1\n"bad"q,3\n', "row 3"),
        ("a.csv", b",".join(b"c%d" % number for number in range(10_000)) + b"\n", "10,000 columns"),
        ("a.json", b'[{"a": 1}, {"a": 2},', "its end is missing"),
    ],
)
def test_what_is_wrong_is_said(owner: Person, tmp_path: Path, name: str, content: bytes, reason: str):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CommandError, match=reason) as caught:
        import_file(owner, path)
    assert "/tmp" not in str(caught.value)


def test_json_numbers_are_exact(owner: Person, tmp_path: Path):
    path = tmp_path / "a.json"
    content = '[{"id": 12345678901234567890, "price": 0.1, "x": 1}, {"id": 2, "price": 0.2, "x": "b"}]'
    path.write_bytes(b"\xef\xbb\xbf" + content.encode())
    import_file(owner, path)
    assert query(owner, "SELECT max(id) AS id, sum(price) AS price, max(x) AS x FROM sales") == [
        {"id": "12345678901234567890", "price": 0.3, "x": "b"}
    ]


def test_workbook_rows_are_whole_and_named_as_in_the_sheet(owner: Person, tmp_path: Path):
    moment = datetime(2024, 1, 1, 10, 0, 0, 123_000)
    path = write_xlsx(tmp_path / "a.xlsx", [], ["a", "t"], [], [1, moment], [], ["x", moment])
    with pytest.raises(CommandError, match="row 6, column 'a'"):
        import_file(owner, path, "--type", "a=integer")
    import_file(owner, path)
    assert query(owner, "SELECT t FROM sales")[0] == {"t": "2024-01-01T10:00:00.123000"}
    refused: list[tuple[list[list[Any]], str]] = [
        ([["a"], [1], [2, 3]], "Row 3 cannot be read: it has 2 cells"),
        ([["a", "b"], [1, "=A2*2"]], "column B has no result"),
    ]
    for rows, reason in refused:
        with pytest.raises(CommandError, match=reason):
            import_file(owner, write_xlsx(tmp_path / "b.xlsx", *rows))


def test_hidden_sheets_and_wrong_dimensions_do_not_hide_rows(owner: Person, tmp_path: Path):
    book = Workbook()
    lists, data = book.active, book.create_sheet("Data")
    assert lists is not None
    lists.append(["hidden"])
    lists.sheet_state = "hidden"
    book.create_chartsheet("Chart", 0).add_chart(BarChart())
    for row in (["a", "b"], [1, 2], [3, 4]):
        data.append(row)
    book.active = 2
    written, path = io.BytesIO(), tmp_path / "a.xlsx"
    book.save(written)
    with zipfile.ZipFile(written) as archive, zipfile.ZipFile(path, "w") as copy:
        for name in archive.namelist():
            copy.writestr(
                name, re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1"', archive.read(name))
            )
    import_file(owner, path)
    assert query(owner, "SELECT sum(b) AS b FROM sales") == [{"b": 6}]


def test_repeated_rows_of_open_documents_are_all_kept(owner: Person, tmp_path: Path):
    path = tmp_path / "a.ods"
    write_ods(path, (["a"], [1.0]), repeated=5_000)
    assert import_file(owner, path)["rows"] == 5_000


def test_cut_parquet_is_refused(owner: Person, tmp_path: Path):
    path = tmp_path / "a.parquet"
    duckdb.execute(f"COPY (SELECT 1 AS a) TO '{path}' (FORMAT parquet)")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CommandError, match="PARQUET"):
        import_file(owner, path)


def test_many_columns_are_recognised(owner: Person, tmp_path: Path, request: pytest.FixtureRequest):
    """300, as many as a file may have, with --long."""
    count, rows = (300, 5_000) if request.config.getoption("--long") else (30, 200)
    path = write_csv(tmp_path / "a.csv", [["x"] * rows, *[["1"] * rows] * (count - 1)])
    assert [column["type"] for column in import_file(owner, path)["columns"]] == [
        "text",
        *["integer"] * (count - 1),
    ]
