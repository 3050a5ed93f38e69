"""OpenDocument."""

from __future__ import annotations

from engines.parsing.format import Format, binary_format

ODT = "application/vnd.oasis.opendocument.text"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
ODP = "application/vnd.oasis.opendocument.presentation"
FORMATS: tuple[Format, ...] = (
    binary_format(
        ODT,
        "engines.parsing.office.open_text.read",
        "OpenDocument",
        "odt",
        name="OpenDocument text",
        group="OpenDocument text",
        packages=tuple(f"{ODT}{kind}" for kind in ("", "-template", "-master", "-master-template", "-web")),
        version=2,
    ),
    binary_format(
        ODS,
        "engines.parsing.sheets.open_sheets.read",
        "OpenDocument",
        "ods",
        name="OpenDocument spreadsheet",
        group="OpenDocument spreadsheets",
        packages=(ODS, f"{ODS}-template"),
    ),
    binary_format(
        ODP,
        "engines.parsing.slides.open_slides.read",
        "OpenDocument",
        "odp",
        name="OpenDocument presentation",
        group="OpenDocument presentations",
        packages=(ODP, f"{ODP}-template"),
    ),
)
