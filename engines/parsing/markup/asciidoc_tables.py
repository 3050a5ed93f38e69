"""Tables of AsciiDoc: cells begin with a bar, behind what says how many places they cover; or lines are those of CSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator

from engines.parsing import Element, element_builders

_CELL = re.compile(
    r"(?:^|(?<=\s))(?:(\d+)?(?:\.(\d+))?([+*]))?(?:[<^>]?(?:\.[<^>])?)[aedhlmsv]?(?<!\\)\|", re.M
)
_COLUMNS = re.compile(r"cols=\"?([^\"\]]+)\"?")
_FORMAT = re.compile(r"format=\"?(\w+)")
_SEPARATORS = {"csv": ",", "dsv": ":", "tsv": "\t", ",": ",", ":": ":"}
_REPEATED = re.compile(r"(\d+)\*")
_MAX_REPEATED = 1_000


def table(lines: list[str], sign: str, style: str, words: Callable[[str], str]) -> Iterator[Element]:
    """`sign` is the first one of the line above, `style` the line in brackets over it, and `words` gives the words of a
    cell."""
    filled = [at for at, line in enumerate(lines) if line]
    if not filled:
        return
    first = lines[filled[0]]
    has_header = "header" in style or (filled[0] == 0 and len(filled) > 1 and filled[1] > 1)
    form = _FORMAT.search(style)
    separator = _SEPARATORS.get(form[1] if form else sign)
    if separator:
        rows = [[words(cell) for cell in row] for row in csv.reader(lines, delimiter=separator) if row]
    else:
        in_first = sum(min(int(mark[1] or 1), _MAX_REPEATED) for mark in _CELL.finditer(first))
        rows = _placed(list(_cells("\n".join(lines), words)), _width(style) or max(1, in_first))
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
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    for mark, end in zip(marks, ends, strict=False):
        content = words(text[mark.end() : end].strip().replace("\\|", "|"))
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
