"""Lists as files: CSV for spreadsheets, and JSON lines for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from django.http import HttpResponse

from core.json_values import json_text

# Of larger lists, the REST API gives all.
MAX_ROWS = 20_000
# What spreadsheets take for a formula: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_response(filename: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """An attachment that spreadsheets open without running any formula. It begins with a byte order mark, because Excel
    would take it for Windows-1252."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([formula_safe(value) for value in row] for row in rows)
    return _attachment(filename, "text/csv", "\ufeff" + text.getvalue())


def json_lines_response(filename: str, rows: Iterable[dict[str, object]]) -> HttpResponse:
    return _attachment(filename, "application/jsonl", "".join(f"{json_text(row)}\n" for row in rows))


def formula_safe(value: object) -> object:
    """A text that would be a formula with an apostrophe in front."""
    is_formula = isinstance(value, str) and value.startswith(FORMULA_STARTS)
    return f"'{value}" if is_formula else value


def _attachment(filename: str, content_type: str, text: str) -> HttpResponse:
    disposition = f'attachment; filename="{filename}"'
    return HttpResponse(
        text, content_type=f"{content_type}; charset=utf-8", headers={"Content-Disposition": disposition}
    )
