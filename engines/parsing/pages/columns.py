"""Where a page divides into columns of prose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engines.parsing.pages.blocks import Line

_MIN_COLUMN_LINES = 5
_MIN_COLUMN_LETTERS = 15
_MIN_LINE_LETTERS = 30  # where there are no cells between them
_MIN_WITHIN_SHARE = 0.2
_MAX_ROW_DISTANCE = 3.0  # in sizes
_MIN_BESIDE_SHARE = 0.8


def find_gutter(lines: Sequence[Line]) -> float | None:
    """Return where the page divides into two columns of prose: few lines, all of them wide, cross that position."""
    return next((x for x, sides in _divisions(lines) if all(map(_is_prose, sides))), None)


def beside_prose(lines: Sequence[Line]) -> list[Line]:
    """Return the lines of a column that stand beside those of a column of prose, nearly all of them."""
    for x, (left, right) in _divisions(lines):
        short = [line for line in lines if len(line.text) < _MIN_LINE_LETTERS]
        for side, other, beside_other in (
            (left, right, [line for line in short if line.left < x]),
            (right, left, [line for line in short if line.right > x]),
        ):
            if _is_prose(other, _MIN_LINE_LETTERS) and not _is_prose(side):
                beside = sum(_is_beside_long_line(line, other) for line in side)
                return beside_other if beside >= _MIN_BESIDE_SHARE * len(side) else []
    return []


def _is_beside_long_line(line: Line, others: Sequence[Line]) -> bool:
    nearest = min(others, key=lambda other: abs(other.top - line.top))
    is_near = abs(nearest.top - line.top) <= _MAX_ROW_DISTANCE * line.size
    return is_near and len(nearest.text) >= _MIN_LINE_LETTERS


def _divisions(lines: Sequence[Line]) -> Iterator[tuple[float, tuple[list[Line], list[Line]]]]:
    """Yield the positions that few lines cross, but for the widest, from the middle outwards; and what is left and right."""
    if len(lines) < 2 * _MIN_COLUMN_LINES:
        return
    left, right = min(line.left for line in lines), max(line.right for line in lines)
    narrow = [line for line in lines if line.right - line.left < 0.6 * (right - left)]
    for step in range(10, 31):
        x = left + (right - left) * (step if step % 2 else 40 - step) / 40
        if sum(line.left < x < line.right for line in narrow) * 20 <= len(narrow):
            yield (
                x,
                ([line for line in narrow if line.right <= x], [line for line in narrow if line.left >= x]),
            )


def _is_prose(lines: Sequence[Line], min_letters: int = _MIN_COLUMN_LETTERS) -> bool:
    """Prose has many long lines, of which many begin within a sentence; the cells of a table are short."""
    return (
        len(lines) >= _MIN_COLUMN_LINES
        and sum(len(line.text) for line in lines) >= min_letters * len(lines)
        and sum(not line.text[:1].isupper() for line in lines) >= _MIN_WITHIN_SHARE * len(lines)
    )
