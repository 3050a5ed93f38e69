"""What stands at the edges of many pages: running heads and feet, page numbers; and the numbers of lines in the margin."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from engines.parsing.pages.blocks import Block, Furniture, Line, Table, are_in_row

_EDGE_LINES = 3
_NEAR_PAGES = 4
_EDGE_SHARE = 0.15  # of the page's height
_PLACE = 4.0  # how exactly furniture keeps its place
_PAGE_NUMBER = re.compile(
    r"\W*(?:(?:page|seite|pagina|página|p\.|s\.)\s*)?(?:\d{1,4}|[ivxlc]{1,6})(?:\s*(?:of|von|/|de|sur|di)\s*\d{1,4})?\W*",
    re.I,
)
_MIN_LINE_NUMBERS = 4

_Key = tuple[str, int, bool]


def without_furniture(
    pages: Mapping[int, Sequence[Line | Table]], heights: Mapping[int, float]
) -> list[Block]:
    """Return the pages' blocks without what stands in the same place at the edge of several pages near each other, page
    numbers aside. The first of each is kept, before its page. Nothing is furniture on a page that has nothing else."""
    edges = {number: _edges(blocks, heights[number]) for number, blocks in pages.items()}
    places = defaultdict[_Key, list[int]](list)
    for number, keys in edges.items():
        for key in set(keys.values()):
            places[key].append(number)
    seen = set[_Key]()
    kept: list[Block] = []
    for number, blocks in pages.items():
        repeated = {
            at: key for at, key in edges[number].items() if _is_repeated(places[key], number, len(pages))
        }
        if len(repeated) == len(blocks):
            kept += blocks
            continue
        for at, key in sorted(repeated.items()):
            block = blocks[at]
            if key not in seen and isinstance(block, Line) and not _PAGE_NUMBER.fullmatch(block.text):
                kept.append(Furniture(text=block.text, page=number, is_header=key[2]))
            seen.add(key)
        kept += [block for at, block in enumerate(blocks) if at not in repeated]
    return kept


def _is_repeated(numbers: Sequence[int], number: int, pages: int) -> bool:
    """Return whether it stands on three of the pages around this one, or on half of few pages."""
    near = bisect_right(numbers, number + _NEAR_PAGES) - bisect_left(numbers, number - _NEAR_PAGES)
    return near >= min(3, max(2, pages * 0.5))


def _edges(blocks: Sequence[Line | Table], height: float) -> dict[int, _Key]:
    """Return the keys of the lines at the page's edges, by their index: the same for lines that are alike."""
    upright = sorted(
        (at for at, block in enumerate(blocks) if isinstance(block, Line)), key=lambda at: blocks[at].top
    )
    keys = dict[int, _Key]()
    for at in upright[:_EDGE_LINES] + upright[-_EDGE_LINES:]:
        block = blocks[at]
        is_header = block.bottom < height * _EDGE_SHARE
        if isinstance(block, Line) and (is_header or block.top > height * (1 - _EDGE_SHARE)):
            keys[at] = (
                re.sub(r"\b\d{1,3}\b|\b[ivxl]{1,6}\b", "#", block.text),
                round(block.top / _PLACE),
                is_header,
            )
    return keys


def without_line_numbers(pieces: Sequence[Line]) -> list[Line]:
    """Leave out numbers that count the lines of the text beside them."""
    numbers = [piece for piece in pieces if piece.text.isdigit() and len(piece.text) <= 4]
    if len(numbers) < _MIN_LINE_NUMBERS:
        return list(pieces)
    others = [piece for piece in pieces if not piece.text.isdigit()]
    edges: tuple[Callable[[Line], float], ...] = (lambda piece: piece.right, lambda piece: piece.left)
    for edge in edges:
        column = Counter(round(edge(piece) / 3) for piece in numbers).most_common(1)[0][0] * 3
        counting = [piece for piece in numbers if abs(edge(piece) - column) <= 4]
        counting.sort(key=lambda piece: piece.top)
        if _count_lines(counting, others):
            ids = {id(piece) for piece in counting}
            return [piece for piece in pieces if id(piece) not in ids]
    return list(pieces)


def _count_lines(numbers: Sequence[Line], others: Sequence[Line]) -> bool:
    """Return whether the numbers rise evenly, beside all text, which mostly runs on from line to line."""
    values = [int(piece.text) for piece in numbers]
    steps = {other - one for one, other in pairwise(values)}
    if len(numbers) < _MIN_LINE_NUMBERS or len(steps) > 1 or steps & {0} or min(steps) < 0:
        return False
    right, left = max(piece.right for piece in numbers), min(piece.left for piece in numbers)
    beside = [other for other in others if any(are_in_row(other, piece) for piece in numbers)]
    are_outside = all(other.left >= right for other in beside) or all(other.right <= left for other in beside)
    within = sum(other.text[:1].islower() for other in beside)
    return are_outside and len(beside) >= len(numbers) * 0.8 and within * 3 >= len(beside)
