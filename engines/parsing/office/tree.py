"""The tree that office-oxide makes of an Office file (new or old format), and the text of its parts.

Nodes are dictionaries with a `type`: blocks (heading, paragraph, table, list, image, text_box, page_break …) have `content`,
`rows` or `items`; what stands inside a line is text, line_break, footnote_ref …
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

from engines.parsing import Element, element_builders

Node = dict[str, Any]

_NUMBER = re.compile(r"[\s\d.,:%/()+\-\u2212\u20ac$£]+")
_SUPERSCRIPTS = str.maketrans("0123456789+-\u2212=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
_RAISED = re.compile(r"\s*[\d+\-\u2212=()n]+\s*")
_MARKS = re.compile("[\ufdd0-\ufdef]")  # no characters, but free for use inside a program
_MAX_HEADER_ROWS = 4
_MAX_SPAN = 1_000
_MAX_SPAN_REPEATED = 6  # columns: what is wider in a table is laid out as a form
_MAX_REPEATED = 60  # letters: enough for names and values, too few for what is told


def load(data: bytes, format: Literal["docx", "pptx", "xlsx", "doc", "ppt", "xls"]) -> Node:
    """Return the document's tree. Raise OfficeOxideError."""
    import office_oxide

    with office_oxide.Document.from_bytes(data, format) as document:
        tree: Node = json.loads(document.to_ir_json())
    return tree


def inline_text(content: Iterable[Node]) -> str:
    """The text of a line's parts. Raised figures keep their place above the line: 10³ is not 103."""
    parts = []
    for part in content:
        if part["type"] == "line_break":
            parts.append("\n")
        elif part["type"] == "text":
            text = part["text"]
            is_raised = part.get("vertical_align") == "superscript" and _RAISED.fullmatch(text)
            parts.append(text.translate(_SUPERSCRIPTS) if is_raised else text)
    return "".join(parts)


def block_text(block: Node) -> str:
    """The text of a block and of all blocks in it, on one line: the cells of a table inside are separated by commas."""
    kind = block["type"]
    if kind == "table":
        return "; ".join(", ".join(filter(None, row)) for row in rows(block) if any(row))
    if kind == "list":
        return "; ".join(text for _, text in list_items(block))
    if kind in ("heading", "paragraph"):
        return inline_text(block.get("content") or ())
    content = block.get("content") or ()
    return str(content) if isinstance(content, str) else joined(content)


def joined(blocks: Iterable[Node]) -> str:
    return " ".join(filter(None, (block_text(block).strip() for block in blocks)))


def cell_text(cell: Node) -> str:
    return joined(cell.get("content") or ())


def list_items(node: Node, level: int = 0) -> Iterator[tuple[int, str]]:
    """Yield the level and the text of each item, numbered if the list is."""
    start = node.get("start_number") or 1
    for number, item in enumerate(node["items"], start):
        text = joined(item.get("content") or ())
        if text:
            yield level, f"{number}. {text}" if node.get("ordered") else text
        if item.get("nested"):
            yield from list_items(item["nested"], level + 1)


class _Cell(NamedTuple):
    text: str
    node: Node
    top: int = 0

    @property
    def bottom(self) -> int:
        """The row behind its last one."""
        return self.top + int(self.node.get("row_span") or 1)


def rows(table: Node, text_of: Callable[[Node], str] = cell_text) -> list[list[str]]:
    """Return the rows with all cells of one column at the same place: a merged cell's text stands in each place that it
    covers, but once if it covers a whole row, many columns, or is long."""
    return [[cell.text for cell in row] for row in _grid(table, text_of)]


def _grid(table: Node, text_of: Callable[[Node], str]) -> list[list[_Cell]]:
    grid: dict[tuple[int, int], _Cell] = {}
    height, width = len(table["rows"]), 0
    for y, row in enumerate(table["rows"]):
        x = 0
        for node in row["cells"]:
            while (y, x) in grid:
                x += 1
            width = max(width, x + 1)  # columns in which no cell begins say nothing
            cell = _Cell(text_of(node), node, y)
            again = _Cell(_repeated(cell.text), node, y)
            right = x + min(node.get("col_span") or 1, _MAX_SPAN)
            aside = again if right - x <= _MAX_SPAN_REPEATED else _Cell("", node, y)
            for below in range(y, min(height, y + (node.get("row_span") or 1))):
                grid.update({(below, column): aside for column in range(x, right)})
                grid[below, x] = again
            grid[y, x] = cell
            x = right
    empty = _Cell("", {})
    lines = [[grid.get((y, x), empty) for x in range(width)] for y in range(height)]
    return [line[:1] if len({id(cell.node) for cell in line}) == 1 else line for line in lines]


def _repeated(text: str) -> str:
    """Return what of a merged cell's text stands again in the places that it covers: readers' marks do not."""
    text = _MARKS.sub("", text)
    return text if len(text) <= _MAX_REPEATED else ""


def table(node: Node, page: int | None = None, text_of: Callable[[Node], str] = cell_text) -> Element:
    grid = _grid(node, text_of)
    count = _count_header_rows(node, grid)
    # What stands over several columns names each of them, however many they are.
    names = {id(cell.node): _repeated(cell.text) for row in grid[:count] for cell in row if cell.text}
    header = [[cell.text or names.get(id(cell.node), "") for cell in row] for row in grid[:count]]
    return element_builders.table(
        [*header, *([cell.text for cell in row] for row in grid[count:])], page, header_rows=count
    )


def _count_header_rows(table: Node, grid: list[list[_Cell]]) -> int:
    """Return how many first rows name the columns: those that are marked so, or else those of a first row of names, below
    the table's title if there is one."""
    marked = 0
    while marked < len(grid) and table["rows"][marked].get("repeat_as_header"):
        marked += 1
    if 0 < marked < len(grid):
        return marked
    first = next((y for y, row in enumerate(grid) if len(row) > 1), len(grid))
    if _groups_columns(grid, first) and _names_columns(grid, first + 1):
        first += 1
    elif not _names_columns(grid, first):
        return 0
    count = max(cell.bottom for cell in grid[first] if cell.node)
    return count if count <= min(_MAX_HEADER_ROWS, len(grid) - 1) else 0


def _groups_columns(grid: list[list[_Cell]], y: int) -> bool:
    """Return whether the row has names that stand over several columns each."""
    cells = [cell for cell in grid[y] if cell.text.strip()] if y < len(grid) else []
    return any((cell.node.get("col_span") or 1) > 1 for cell in cells) and len(cells) > 1


def _names_columns(grid: list[list[_Cell]], y: int) -> bool:
    """Return whether the row's cells are all bold, or all words and not the first pair of a list of names and values."""
    cells = [cell for cell in grid[y][1:] if cell.text.strip()] if y < len(grid) - 1 else []
    if not cells or len(cells) < len(grid[y]) - 1:
        return False
    first = grid[y][0]
    if all(map(_is_bold, cells)):
        return True
    is_of_pairs = _is_bold(first) or first.text.strip().endswith(":")
    return not is_of_pairs and not any(_NUMBER.fullmatch(cell.text) for cell in (first, *cells) if cell.text)


def _is_bold(cell: _Cell) -> bool:
    spans = [
        span
        for block in cell.node.get("content") or ()
        if block["type"] in ("paragraph", "heading")
        for span in block.get("content") or ()
        if span["type"] == "text" and span["text"].strip()
    ]
    return bool(spans) and all(span.get("bold") for span in spans)
