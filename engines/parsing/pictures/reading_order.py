"""The order in which people read what is placed on a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

_OVERLAP = 0.05  # so much of a box may reach into its neighbour, on each side
_AS_WIDE = 0.8  # of the widest gap
_MAX_DIVIDED = 500  # more are no text to be read in an order, but a drawing

T = TypeVar("T")


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float


def in_reading_order(items: Sequence[T], box_of: Callable[[T], Box]) -> list[T]:
    """Divide the items where the gap between them is widest, into rows from top to bottom or columns from left to right, and
    order each part likewise. What overlaps is ordered by its top."""
    if len(items) < 2:
        return list(items)
    rows, row_gap = _divided(items, lambda item: (box_of(item).top, box_of(item).bottom))
    columns, column_gap = _divided(items, lambda item: (box_of(item).left, box_of(item).right))
    parts = rows if len(rows) > 1 and (len(columns) == 1 or row_gap >= column_gap) else columns
    if len(parts) == 1 or len(items) > _MAX_DIVIDED:
        return sorted(items, key=lambda item: (box_of(item).top, box_of(item).left))
    return [item for part in parts for item in in_reading_order(part, box_of)]


def _divided(
    items: Sequence[T], extent_of: Callable[[T], tuple[float, float]]
) -> tuple[list[list[T]], float]:
    """Return the parts between the widest gaps in this direction, and their width."""
    ordered = sorted(items, key=extent_of)
    gaps: list[float | None] = []
    reached = extent_of(ordered[0])[0]
    for item in ordered:
        start, end = extent_of(item)
        margin = (end - start) * _OVERLAP
        gaps.append(start - reached if gaps and start + margin >= reached else None)
        reached = max(reached, end - margin)
    widest = max((gap for gap in gaps if gap is not None), default=0.0)
    parts: list[list[T]] = [[]]
    for item, gap in zip(ordered, gaps, strict=True):
        if gap is not None and gap >= widest - abs(widest) * (1 - _AS_WIDE):
            parts.append([])
        parts[-1].append(item)
    return parts, widest
