"""Tables in text files: CSV and TSV."""

from __future__ import annotations

import pytest

from tests.engines.reading import Read, outline


@pytest.mark.parametrize(
    ("text", "expected", "header_rows"),
    [
        ("sep=;\nname;note\nÄpfel;12,50\n", "name | note\nÄpfel | 12,50", 1),
        ("name,price\nrope,1\n", "name | price\nrope | 1", 1),
        ('name,note\nrope,"two\nlines"\n', "name | note\nrope | two lines", 1),
        ("a;1,5;2\nb;2,5;3\n", "a | 1,5 | 2\nb | 2,5 | 3", 0),
        (",,name,,price\n,,rope,,1\n", "name | price\nrope | 1", 1),
        ("a\tb\nc\td\n", "a | b\nc | d", 1),
        ("Region,2023,2024\nNorth,120,130\n", "Region | 2023 | 2024\nNorth | 120 | 130", 1),
    ],
)
def test_tables_in_text_have_columns_and_names(
    read: Read, text: str, expected: str, header_rows: int
) -> None:
    (table,) = read("a.csv", text.encode()).elements
    assert (table.text, table.header_rows) == (expected, header_rows)


def test_a_quotation_mark_that_is_never_closed_takes_no_rows(read: Read) -> None:
    lines = ["size,name", '"3 inch,rope', *(f"{number},rope" for number in range(40))]
    (table,) = read("a.csv", "\n".join(lines).encode()).elements
    assert len(table.text.split("\n")) == len(lines)
    assert table.text.endswith("39 | rope")


def test_bytes_that_were_replaced_in_tables_are_warned_of(read: Read) -> None:
    document = read("a.csv", "name,town\nBär,Köln\n".encode() * 20 + b"K\xe4the,Bonn\n")
    assert [warning.code for warning in document.warnings] == ["replaced_bytes"]


def test_lines_above_a_table_are_no_row_of_it(read: Read) -> None:
    assert outline(read("a.csv", b"Prices of May,\nname,price\nrope,1\n")) == [
        ("text", "Prices of May"),
        ("table", "name | price\nrope | 1"),
    ]


def test_each_value_of_a_wide_table_has_its_name(read: Read) -> None:
    names = [f"a long name of column {number}" for number in range(40)]
    rows = [
        names,
        *([f"value {row}.{number}" if number % 7 else "" for number in range(40)] for row in range(3)),
    ]
    document = read("wide.csv", "\n".join(",".join(row) for row in rows).encode())
    assert [element.kind for element in document.elements] == ["table"] * 3
    lines = document.elements[1].text.split("\n")
    assert lines[0] == "a long name of column 1: value 1.1" and len(lines) == 40 - 6
