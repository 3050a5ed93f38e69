"""Excel."""

from __future__ import annotations

from engines.parsing.format import Format, binary_format

NAME = "Excel workbook"
FORMATS: tuple[Format, ...] = (
    binary_format(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "engines.parsing.sheets.read_xlsx",
        "Excel",
        "xlsx",
        name=NAME,
        folder="xl",
    ),
    binary_format(
        "application/vnd.ms-excel",
        "engines.parsing.sheets.read_xls",
        "Excel",
        "xls",
        name=NAME,
        streams=("workbook", "book"),
    ),
)
