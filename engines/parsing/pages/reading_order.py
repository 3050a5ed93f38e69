"""The order in which a page is read. Files mostly draw their text in that order, so it is changed only where the page shows
that they do not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from engines.parsing.pages.blocks import Line, Placed, Table, are_in_row, overlap_across
from engines.parsing.pages.line_joining import UNSPACED_START

_Block = Line | Table
_MIN_INTERLEAVED = 2
_WIDE_GAP = 0.9  # in sizes
_MAX_LEADING = 1.5
_PART = 8.0


def in_reading_order(blocks: Sequence[_Block]) -> list[_Block]:
    """Return the blocks as drawn, unless columns are drawn row by row, or something above is drawn later; and the columns of
    vertical writing from right to left."""
    turned = [block for block in blocks if isinstance(block, Line) and not block.size]
    if len(turned) * 2 > len(blocks):
        is_vertical = sum(UNSPACED_START.search(line.text) is not None for line in turned) * 2 > len(turned)
        return sorted(blocks, key=lambda block: -block.right) if is_vertical else list(blocks)
    interleaved = sum(_is_beside(one, other) for one, other in pairwise(blocks))
    if interleaved < _MIN_INTERLEAVED and not _goes_up(blocks):
        return list(blocks)
    return [block for group in _sorted_groups(_groups(blocks)) for block in group.blocks]


def _goes_up(blocks: Sequence[_Block]) -> bool:
    """Return whether a block is drawn after another one that is below it."""
    lowest = dict[int, float]()  # of the blocks so far, by part of the width
    for block in blocks:
        places = range(int(block.left // _PART) + 1, int(block.right // _PART))
        if any(lowest.get(place, 0.0) > block.bottom for place in places):
            return True
        lowest.update(dict.fromkeys(places, block.top))
    return False


def _is_beside(one: _Block, other: _Block) -> bool:
    gap = -overlap_across(one, other)
    return gap > _WIDE_GAP * max(one.size, other.size) and are_in_row(one, other)


def _is_above(one: Placed, other: Placed) -> bool:
    """Return whether the first is above the other, in the same part of the page's width."""
    tolerance = 0.3 * min(one.bottom - one.top, other.bottom - other.top, 12.0)
    narrower = min(one.right - one.left, other.right - other.left)
    return (
        one.bottom <= other.top + tolerance
        and one.top + one.bottom < other.top + other.bottom
        and overlap_across(one, other) > 0.1 * narrower
    )


class _Group:
    """Blocks that are drawn in sequence, each right below the one before, and the place that they take."""

    def __init__(self, block: _Block) -> None:
        self.blocks = [block]
        self.left, self.right, self.top, self.bottom = block.left, block.right, block.top, block.bottom

    def add(self, block: _Block) -> None:
        self.blocks.append(block)
        self.left, self.right = min(self.left, block.left), max(self.right, block.right)
        self.top, self.bottom = min(self.top, block.top), max(self.bottom, block.bottom)


def _groups(blocks: Sequence[_Block]) -> list[_Group]:
    groups: list[_Group] = []
    for block in blocks:
        last = groups[-1].blocks[-1] if groups else None
        if (
            last
            and _is_above(last, block)
            and block.top - last.bottom < _MAX_LEADING * max(last.size, block.size)
        ):
            groups[-1].add(block)
        else:
            groups.append(_Group(block))
    return groups


def _sorted_groups(groups: list[_Group]) -> Iterator[_Group]:
    """Yield what is above before what is below: down a column as far as that goes, then what is drawn next."""
    waiting = dict(enumerate(groups))
    above = {at: {b for b in waiting if _is_above(groups[b], groups[at])} for at in waiting}
    last: _Group | None = None
    while waiting:
        ready = [at for at in waiting if not above[at] & waiting.keys()]
        below = [at for at in ready if last and _is_above(last, groups[at])]
        chosen = min(below or (ready[:1] if last else ready), key=lambda at: groups[at].top)
        first = groups[chosen].blocks[0]
        if not last or first.top - last.bottom > _MAX_LEADING * first.size:
            # Another part of the page begins, at its left.
            row = [at for at in ready if are_in_row(groups[at].blocks[0], first)]
            chosen = min(row, key=lambda at: groups[at].left)
        last = waiting.pop(chosen)
        yield last
