"""Excel."""

from __future__ import annotations

from engines.parsing.format import Format, binary_format

NAME = "Excel workbook"
FORMATS: tuple[Format, ...] = (
    binary_format(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "engines.parsing.sheets.workbook.read",
        "Excel",
        "xlsx",
        name=NAME,
        folder="xl",
        version=2,
    ),
    binary_format(
        "application/vnd.ms-excel.sheet.binary.macroenabled.12",
        "engines.parsing.sheets.binary_workbook.read",
        "Excel",
        "xlsb",
        name=NAME,
        folder="xl/workbook.bin",
    ),
    binary_format(
        "application/vnd.ms-excel",
        "engines.parsing.sheets.old_workbook.read",
        "Excel",
        "xls",
        name=NAME,
        version=2,
        streams=("workbook", "book"),
    ),
    binary_format(
        "application/vnd.ms-office.encrypted",
        "engines.parsing.office.encrypted_office.read",
        "Excel",
        name=NAME,
        streams=("encryptedpackage",),
    ),
)
