"""Tables of HTML pages. Merged cells stand in each place that they cover."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from lxml import etree

from engines.parsing import Element, ElementKind, element_builders
from engines.parsing.markup.html_names import HEADING_TAGS, INLINE_TAGS

_CELL_TAGS = ("td", "th")
_MAX_SPAN = 1_000
_MAX_ROW_LENGTH = 4_000


class _Cell(NamedTuple):
    text: str
    is_header: bool


def is_data_table(node: Any) -> bool:
    """Tables that only arrange a page say so, or nest, have one column, or contain headings or long texts."""
    if node.get("role") in ("presentation", "none"):
        return False
    has_names = any(_is_own(cell, node) for cell in node.iter("th", "caption"))
    if not has_names and any(node.find(f".//{tag}") is not None for tag in ("table", *HEADING_TAGS)):
        return False
    own = own_rows(node)
    columns = max((sum(cell.tag in _CELL_TAGS for cell in row) for row in own), default=0)
    return columns > 1 and all(len(cell_text(row)) < _MAX_ROW_LENGTH for row in own)


def table(node: Any) -> Iterator[Element]:
    """Yield the caption, if there is one, and the rows."""
    for caption in node.findall("caption"):
        yield Element(ElementKind.CAPTION, cell_text(caption))
    grid = _grid(own_rows(node))
    header_rows = next(
        (y for y, row in enumerate(grid) if not all(cell.is_header for cell in row)), len(grid)
    )
    yield element_builders.table(
        (_shown(row) for row in grid), header_rows=header_rows if header_rows < len(grid) else 0
    )


def rows(node: Any) -> list[list[str]]:
    """Return the rows with all cells of one column at the same place."""
    return [_shown(row) for row in _grid(own_rows(node))]


def own_rows(node: Any) -> list[Any]:
    """Return the rows of the table, without those of tables in it; the ones of its foot at the end, as they are shown."""
    rows = [row for row in node.iter("tr") if _is_own(row, node)]
    return [row for row in rows if row.getparent().tag != "tfoot"] + [
        row for row in rows if row.getparent().tag == "tfoot"
    ]


def cell_text(node: Any) -> str:
    """Return a cell's text, with spaces between its blocks."""
    parts = []
    for event, inner in etree.iterwalk(node, events=("start", "end")):
        if inner is not node and inner.tag not in INLINE_TAGS:
            parts.append(" ")
        text = inner.text if event == "start" else inner.tail if inner is not node else ""
        parts.append(text or "")
    return " ".join("".join(parts).split())


def _is_own(inner: Any, node: Any) -> bool:
    return next(inner.iterancestors("table"), node) is node


def _grid(rows: list[Any]) -> list[list[_Cell]]:
    places: dict[tuple[int, int], _Cell] = {}
    width = 0
    for y, row in enumerate(rows):
        x = 0
        for node in row.iterchildren(*_CELL_TAGS):
            while (y, x) in places:
                x += 1
            width = max(width, x + 1)  # columns in which no cell begins say nothing
            cell = _Cell(cell_text(node), _is_header(node))
            right = x + min(_span(node, "colspan") or 1, _MAX_SPAN)
            height = _span(node, "rowspan") or len(rows)
            for below in range(y, min(len(rows), y + height)):
                places.update({(below, column): cell for column in range(x, right)})
            x = right
    empty = _Cell("", is_header=True)
    return [[places.get((y, x), empty) for x in range(width)] for y in range(len(rows))]


def _is_header(cell: Any) -> bool:
    """Many pages have no other sign of names than bold letters."""
    is_bold = not (cell.text or "").strip() and len(cell) == 1 and cell[0].tag in ("b", "strong")
    return (
        cell.tag == "th"
        or cell.getparent().getparent().tag == "thead"
        or (is_bold and not (cell[0].tail or "").strip())
    )


def _span(cell: Any, name: str) -> int:
    """Browsers take what is no number for 1, and zero rows for all."""
    value = cell.get(name, "1").strip()
    return int(value[:6]) if value.isdecimal() else 1


def _shown(row: list[_Cell]) -> list[str]:
    """A cell that covers a whole row stands once."""
    return [cell.text for cell in (row[:1] if len({id(cell) for cell in row}) == 1 else row)]
