"""Files of rows for tests."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

ODS_TABLE: tuple[list[Any], ...] = (
    ["code", "day", "price", "paid"],
    ["12", date(2026, 2, 1), 19.99, False],
    ["007", date(2026, 1, 31), 2.5, True],
)
_HEAD = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
)


def write_ods(path: Path, rows: Sequence[Sequence[Any]], *, repeated: int = 1) -> None:
    """`repeated` is how often the rows after the first stand for."""
    times = ["", *[f' table:number-rows-repeated="{repeated}"'] * (len(rows) - 1)]
    cells = "".join(
        f"<table:table-row{more}>{''.join(map(_cell, row))}</table:table-row>"
        for more, row in zip(times, rows, strict=True)
    )
    content = f'{_HEAD}<table:table table:name="One">{cells}</table:table></office:spreadsheet></office:body>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", f"{content}</office:document-content>")


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        typed = f'office:value-type="boolean" office:boolean-value="{str(value).lower()}"'
    elif isinstance(value, date):
        typed = f'office:value-type="date" office:date-value="{value.isoformat()}"'
    elif isinstance(value, float):
        typed = f'office:value-type="float" office:value="{value}"'
    else:
        typed = 'office:value-type="string"'
    return f"<table:table-cell {typed}><text:p>{escape(str(value))}</text:p></table:table-cell>"
