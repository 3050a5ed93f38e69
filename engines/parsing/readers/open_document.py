"""OpenDocument."""

from __future__ import annotations

from engines.parsing.format import Format, binary_format

ODT = "application/vnd.oasis.opendocument.text"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
FORMATS: tuple[Format, ...] = (
    binary_format(
        ODT,
        "engines.parsing.open_text.read",
        "OpenDocument",
        "odt",
        name="OpenDocument text",
        group="OpenDocument text",
        packages=tuple(f"{ODT}{kind}" for kind in ("", "-template", "-master", "-master-template", "-web")),
        version=2,
    ),
    binary_format(
        ODS,
        "engines.parsing.open_sheets.read",
        "OpenDocument",
        "ods",
        name="OpenDocument spreadsheet",
        group="OpenDocument spreadsheets",
        packages=(ODS, f"{ODS}-template"),
    ),
)
