"""Tables of LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable

from engines.parsing import Element, element_builders
from engines.parsing.markup.latex_inline import argument_end

_ROW = re.compile(r"\\\\(?:\s*\[[^\]]{0,500}\])?\*?|\\tabularnewline\b")
_CELL = re.compile(r"(?<!\\)&")
_RULE = re.compile(
    r"\\(?:[hct]line|toprule|midrule|bottomrule|cmidrule|cline|end(?:first)?head|end(?:last)?foot)\b(?:\([^)]{0,100}\))?(?:\{[^}]{0,500}\})?"
)
_COLUMNS_SPAN = re.compile(r"\s*\\multicolumn\s*\{(\d+)\}\s*(?=\{)")
_ROWS_SPAN = re.compile(r"\s*\\multirow\s*(?:\[[^\]]{0,500}\])?\{\s*(\d+|\*)[^}]*\}\s*(?=\{)")
_MAX_SPAN = 100


def table(source: str, words: Callable[[str], str]) -> Element:
    """`source` is what stands in the environment, with the columns in front; `words` gives the words of a cell."""
    at = 0
    while source[at : at + 1] in ("{", "["):  # a width may stand before the columns
        at = argument_end(source, at) if source[at] == "{" else source.find("]", at) + 1
    rows: list[list[str]] = []
    header_rows = 0
    open_cells: dict[int, tuple[int, str]] = {}
    for part in _ROW.split(source[at:]):
        if rows and _RULE.search(part) and not header_rows:
            header_rows = len(rows)
        cells = _cells(_RULE.sub("", part), words, open_cells)
        rows += [cells] if any(cells) else []
    return element_builders.table(rows, header_rows=header_rows if header_rows < len(rows) else 0)


def _cells(row: str, words: Callable[[str], str], open_cells: dict[int, tuple[int, str]]) -> list[str]:
    """`open_cells` are those that cover rows below: how many, and their words, by their columns."""
    cells: list[str] = []
    for source in _CELL.split(row):
        across, cell = _span(_COLUMNS_SPAN, source)
        down, cell = _span(_ROWS_SPAN, cell)
        text = words(cell)
        rest, above = open_cells.pop(len(cells), (0, ""))
        if not text and rest:
            text, down = above, rest
        if down > 1:
            open_cells[len(cells)] = (down - 1, text)
        cells += [text] * across
    return cells


def _span(pattern: re.Pattern[str], cell: str) -> tuple[int, str]:
    """Return how many places a cell covers, and the cell without the command that says so."""
    span = pattern.match(cell)
    if not span:
        return 1, cell
    count = min(int(span[1]), _MAX_SPAN) if span[1].isdecimal() else 1
    return count, cell[argument_end(cell, span.end()) :]
