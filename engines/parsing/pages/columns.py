"""Where a page divides into columns of prose."""

from __future__ import annotations

from collections.abc import Sequence

from engines.parsing.pages.blocks import Line

_MIN_COLUMN_LINES = 5
_MIN_COLUMN_LETTERS = 15
_MIN_WITHIN_SHARE = 0.2


def find_gutter(lines: Sequence[Line]) -> float | None:
    """Return where the page divides into two columns of prose: few lines, all of them wide, cross that position."""
    if len(lines) < 2 * _MIN_COLUMN_LINES:
        return None
    left, right = min(line.left for line in lines), max(line.right for line in lines)
    narrow = [line for line in lines if line.right - line.left < 0.6 * (right - left)]
    for step in range(10, 31):
        x = left + (right - left) * (step if step % 2 else 40 - step) / 40
        crossing = sum(line.left < x < line.right for line in narrow)
        sides = [line for line in narrow if line.right <= x], [line for line in narrow if line.left >= x]
        if crossing * 20 <= len(narrow) and all(map(_is_prose, sides)):
            return x
    return None


def _is_prose(lines: Sequence[Line]) -> bool:
    """Prose has many long lines, of which many begin within a sentence; the cells of a table are short."""
    return (
        len(lines) >= _MIN_COLUMN_LINES
        and sum(len(line.text) for line in lines) >= _MIN_COLUMN_LETTERS * len(lines)
        and sum(not line.text[:1].isupper() for line in lines) >= _MIN_WITHIN_SHARE * len(lines)
    )
