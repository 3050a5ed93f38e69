"""What stands at the edges of many pages: running heads and feet, page numbers; and the numbers of lines in the margin."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import islice, pairwise, takewhile
from typing import NamedTuple

from engines.parsing.pages.aligned_cells import rows_of
from engines.parsing.pages.blocks import Block, Furniture, Line, Table, are_in_row

_EDGE_LINES = 3
_NEAR_PAGES = 4
_EDGE_SHARE = 0.15  # of the page's height
_PLACE = 3.0  # how exactly furniture keeps its place
_PAGE_NUMBER = re.compile(
    r"\W*(?:(?:page|seite|pagina|página|p\.|s\.)\s*)?(?:\d{1,4}|[ivxlc]{1,6})(?:\s*(?:of|von|/|de|sur|di)\s*\d{1,4})?\W*",
    re.I,
)
_SHORT_NUMBER, _ROMAN_NUMBER = re.compile(r"(?<!\d)[0-9]{1,3}(?!\d)"), re.compile(r"\b[ivxl]{1,6}\b")
_MIN_LINE_NUMBERS = 4


class _Edge(NamedTuple):
    """A line at the edge of a page: its place, its text with # for short numbers, and those numbers. Page numbers may be
    anywhere."""

    page: int
    place: float
    is_header: bool
    text: str
    numbers: tuple[int, ...]

    @property
    def key(self) -> tuple[bool, str]:
        return self.is_header, self.text

    def repeats(self, other: _Edge) -> bool:
        """Return whether the place is the same, and the numbers are the same or count the pages."""
        pages = other.page - self.page
        return abs(self.place - other.place) <= _PLACE and all(
            two - one in (0, pages) for one, two in zip(self.numbers, other.numbers, strict=True)
        )


def without_furniture(
    pages: Mapping[int, Sequence[Line | Table]], heights: Mapping[int, float]
) -> list[Block]:
    """Return the pages' blocks without what stands in the same place at the edge of several pages near each other, page
    numbers aside. The first of each is kept, before its page. Nothing is furniture on a page that has nothing else."""
    edges = {number: _edges(blocks, number, heights[number]) for number, blocks in pages.items()}
    alike = defaultdict[tuple[bool, str], list[_Edge]](list)
    for edge in (edge for found in edges.values() for edge in found.values()):
        alike[edge.key].append(edge)
    seen = set[tuple[bool, str]]()
    kept: list[Block] = []
    for number, blocks in pages.items():
        repeated = {
            at: edge for at, edge in edges[number].items() if _is_repeated(edge, alike[edge.key], len(pages))
        }
        if len(repeated) == len(blocks):
            kept += blocks
            continue
        for at, edge in sorted(repeated.items()):
            block = blocks[at]
            if edge.key not in seen and isinstance(block, Line) and not _PAGE_NUMBER.fullmatch(block.text):
                kept.append(Furniture(text=block.text, page=number, is_header=edge.is_header))
            seen.add(edge.key)
        kept += [block for at, block in enumerate(blocks) if at not in repeated]
    return kept


def _is_repeated(edge: _Edge, alike: Sequence[_Edge], pages: int) -> bool:
    """Return whether it stands on three of the pages around this one, or on half of few pages."""
    start = bisect_left(alike, edge.page - _NEAR_PAGES, key=lambda other: other.page)
    near = takewhile(lambda other: other.page <= edge.page + _NEAR_PAGES, islice(alike, start, None))
    return len({other.page for other in near if edge.repeats(other)}) >= min(3, max(2, pages * 0.5))


def _edges(blocks: Sequence[Line | Table], number: int, height: float) -> dict[int, _Edge]:
    """Return the lines at the page's edges, and those that are turned, by their index."""
    lines = sorted(
        (at for at, block in enumerate(blocks) if isinstance(block, Line)), key=lambda at: blocks[at].top
    )
    edges = dict[int, _Edge]()
    turned = [at for at in lines if not blocks[at].size]  # as marks across the page are
    for at in {*lines[:_EDGE_LINES], *lines[-_EDGE_LINES:], *turned}:
        block = blocks[at]
        is_header = block.bottom < height * _EDGE_SHARE
        is_at_edge = is_header or block.top > height * (1 - _EDGE_SHARE)
        if isinstance(block, Line) and (is_at_edge or not block.size):
            numbers = tuple(map(int, _SHORT_NUMBER.findall(block.text)))
            text = _ROMAN_NUMBER.sub("~", _SHORT_NUMBER.sub("#", block.text))
            if _PAGE_NUMBER.fullmatch(block.text):
                edges[at] = _Edge(number, 0.0, False, "#" * len(numbers), numbers)
            else:
                edges[at] = _Edge(number, block.top, is_header, text, numbers)
    return edges


def without_line_numbers(pieces: Sequence[Line]) -> list[Line]:
    """Leave out numbers that count the lines of the text beside them."""
    numbers = [piece for piece in pieces if piece.text.isdigit() and len(piece.text) <= 4]
    others = [piece for piece in pieces if not piece.text.isdigit()]
    if not numbers:
        return list(pieces)
    counting = max(
        _column([piece.right for piece in numbers], numbers),
        _column([piece.left for piece in numbers], numbers),
        key=len,
    )
    if not _are_outside(counting, others) or not (
        _count_each(counting, others) or _count_some(counting, others)
    ):
        return list(pieces)
    ids = {id(piece) for piece in counting}
    return [piece for piece in pieces if id(piece) not in ids]


def _column(edges: Sequence[float], numbers: Sequence[Line]) -> list[Line]:
    """Return the numbers with the most frequent edge, from top to bottom."""
    column = Counter(round(edge / 3) for edge in edges).most_common(1)[0][0] * 3
    found = [number for number, edge in zip(numbers, edges, strict=True) if abs(edge - column) <= 4]
    return sorted(found, key=lambda number: number.top)


def _are_outside(numbers: Sequence[Line], others: Sequence[Line]) -> bool:
    """Return whether all text is on one side of the numbers."""
    right, left = max(piece.right for piece in numbers), min(piece.left for piece in numbers)
    return bool(others) and (
        all(one.left >= right for one in others) or all(one.right <= left for one in others)
    )


def _count_each(numbers: Sequence[Line], others: Sequence[Line]) -> bool:
    """Return whether the numbers rise evenly, beside text that mostly runs on from line to line."""
    values = [int(piece.text) for piece in numbers]
    steps = {other - one for one, other in pairwise(values)}
    if len(numbers) < _MIN_LINE_NUMBERS or len(steps) > 1 or min(steps) < 1:
        return False
    beside = [other for other in others if any(are_in_row(other, piece) for piece in numbers)]
    within = sum(other.text[:1].islower() for other in beside)
    return len(beside) >= len(numbers) * 0.8 and within * 3 >= len(beside)


def _count_some(numbers: Sequence[Line], others: Sequence[Line]) -> bool:
    """Return whether each fifth line, or tenth, has its number."""
    rows = rows_of(others)
    counts = {
        int(piece.text): next((at for at, row in enumerate(rows, 1) if are_in_row(row[0], piece)), 0)
        for piece in numbers
    }
    return len(rows) >= _MIN_LINE_NUMBERS and all(
        value % 5 == 0 and value == at for value, at in counts.items()
    )
