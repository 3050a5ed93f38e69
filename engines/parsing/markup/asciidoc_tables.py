"""Tables of AsciiDoc: cells begin with a bar, behind what says how many places they cover."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from engines.parsing import Element, element_builders

_CELL = re.compile(
    r"(?:^|(?<=\s))(?:(\d+)?(?:\.(\d+))?([+*]))?(?:[<^>]?(?:\.[<^>])?)[aedhlmsv]?(?<!\\)\|", re.M
)
_COLUMNS = re.compile(r"cols=\"?([^\"\]]+)\"?")
_REPEATED = re.compile(r"(\d+)\*")
_MAX_REPEATED = 1_000


def table(lines: list[str], style: str, words: Callable[[str], str]) -> Iterator[Element]:
    """`style` is the line in brackets above, and `words` gives the words of a cell."""
    filled = [at for at, line in enumerate(lines) if line]
    if not filled:
        return
    first = lines[filled[0]]
    has_header = "header" in style or (filled[0] == 0 and len(filled) > 1 and filled[1] > 1)
    cells = list(_cells("\n".join(lines), words))
    rows = _placed(cells, _width(style) or max(1, sum(int(mark[1] or 1) for mark in _CELL.finditer(first))))
    yield element_builders.table(rows, header_rows=1 if has_header and len(rows) > 1 else 0)


def _width(style: str) -> int:
    columns = _COLUMNS.search(style)
    if not columns:
        return 0
    parts = columns[1].replace(";", ",").split(",")
    return sum(
        min(int(repeated[1]), _MAX_REPEATED) if (repeated := _REPEATED.match(part.strip())) else 1
        for part in parts
    )


def _cells(text: str, words: Callable[[str], str]) -> Iterator[tuple[str, int, int]]:
    """Yield each cell's words, and how many columns and rows it covers."""
    marks = list(_CELL.finditer(text))
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        content = words(
            text[mark.end() : following.start() if following else len(text)].strip().replace("\\|", "|")
        )
        across, down = (min(int(mark[group] or 1), _MAX_REPEATED) for group in (1, 2))
        yield from [(content, 1, 1)] * across if mark[3] == "*" else [(content, across, down)]


def _placed(cells: list[tuple[str, int, int]], width: int) -> list[list[str]]:
    places: dict[tuple[int, int], str] = {}
    x = y = 0
    for text, across, down in cells:
        while (y, x) in places or x >= width:
            x, y = (0, y + 1) if x >= width - 1 else (x + 1, y)
        places.update(
            {(y + below, x + right): text for below in range(down) for right in range(min(across, width - x))}
        )
        x += across
    height = max((row for row, _ in places), default=-1) + 1
    return [[places.get((row, column), "") for column in range(width)] for row in range(height)]
