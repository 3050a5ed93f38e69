"""What stands on pages, with its position."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class Word(NamedTuple):
    """`space`: whether white space stands before it."""

    text: str
    left: float
    right: float
    space: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`top` and `bottom` grow downwards, in the unit of `size`, which is the font size. `level` is that of a title which the
    file itself says to be one. The `words` are known where a line may have to be divided. A line that `has_leaders` is an
    entry whose number is the next."""

    text: str
    page: int
    left: float
    right: float
    top: float
    bottom: float
    size: float
    bold: bool = False
    level: int = 0
    confidence: int = 100
    is_comment: bool = False
    may_be_unseen: bool = False
    has_leaders: bool = False
    words: tuple[Word, ...] = ()

    @property
    def style(self) -> tuple[float, bool]:
        return self.size, self.bold


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Cells at a position like a line's. With `has_labels`, each row is a label and its value."""

    rows: tuple[tuple[str, ...], ...]
    page: int
    left: float
    right: float
    top: float
    bottom: float
    size: float
    header_rows: int = 0
    has_labels: bool = False
    confidence: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Furniture:
    """What stands on many pages, kept where it stands first."""

    text: str
    page: int
    is_header: bool


Block = Line | Table | Furniture


@dataclass(slots=True)
class Paragraph:
    """Lines that belong together, on one page or on several."""

    lines: list[Line] = field(default_factory=list)
    is_note: bool = False


class Placed(Protocol):
    @property
    def left(self) -> float: ...
    @property
    def right(self) -> float: ...
    @property
    def top(self) -> float: ...
    @property
    def bottom(self) -> float: ...


def overlap_across(one: Placed, other: Placed) -> float:
    """How far two share the same part of the page's width; negative if they are side by side."""
    return min(one.right, other.right) - max(one.left, other.left)


def overlap_down(one: Placed, other: Placed) -> float:
    return min(one.bottom, other.bottom) - max(one.top, other.top)


def are_in_row(one: Placed, other: Placed) -> bool:
    return overlap_down(one, other) > 0.5 * min(one.bottom - one.top, other.bottom - other.top)
