"""Tables of Word files, with each cell under its column."""

from __future__ import annotations

from typing import Any

from lxml import etree

from engines.parsing.word.xml import W, is_on, remove, table, value

_MAX_COLUMNS = 64


def arrange_tables(root: Any) -> int:
    """Put empty cells where a row begins further right, and join cells in the way that office-oxide knows. Return the number
    of hidden rows, which are removed."""
    hidden = 0
    for row in list(root.iter(f"{W}tr")):
        if is_on(row, "trPr", "hidden"):
            hidden += 1
            remove(row)
        else:
            _fill(row)
            _join(row)
    return hidden


def _fill(row: Any) -> None:
    width = value(row, "trPr", "gridBefore") or ""
    first = row.find(f"{W}tc")
    if width.isdigit() and first is not None:
        for cell in table([[""] * min(int(width), _MAX_COLUMNS)])[0].findall(f"{W}tc"):
            first.addprevious(cell)


def _join(row: Any) -> None:
    """Make one wide cell of those that older versions of Word mark as merged."""
    wide = None
    for cell in row.findall(f"{W}tc"):
        merge = cell.find(f"{W}tcPr/{W}hMerge")
        if merge is None:
            wide = None
        elif merge.get(f"{W}val") == "restart":
            wide = etree.SubElement(cell[0], f"{W}gridSpan", {f"{W}val": "1"})
        elif wide is not None:
            wide.set(f"{W}val", str(int(wide.get(f"{W}val")) + 1))
            remove(cell)
