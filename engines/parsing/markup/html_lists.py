"""The numbers of HTML's list items, as a browser shows them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_STYLE = re.compile(r"list-style(?:-type)?\s*:\s*([\w-]+)")
_ROMAN = (
    (1000, "m"),
    (900, "cm"),
    (500, "d"),
    (400, "cd"),
    (100, "c"),
    (90, "xc"),
    (50, "l"),
    (40, "xl"),
    (10, "x"),
)
_ROMAN_BELOW_TEN = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")


class ListNumbers:
    """Counts the items of each list."""

    def __init__(self) -> None:
        self._next: dict[Any, int] = {}

    def of(self, item: Any) -> str:
        """Return an item's number with a full stop and a space, or "" if it has none. Ask in the order of the items."""
        parent = item.getparent()
        if parent is None or parent.tag != "ol":
            return ""
        step = -1 if "reversed" in parent.attrib else 1
        if parent not in self._next:
            self._next[parent] = _integer(parent.get("start"), len(parent.findall("li")) if step < 0 else 1)
        number = _integer(item.get("value"), self._next[parent])
        self._next[parent] = number + step
        style = _STYLE.search(item.get("style") or parent.get("style") or "")
        kind = style[1] if style else parent.get("type", "1")
        return "" if kind == "none" else f"{_WRITTEN.get(kind, str)(number)}. "


def _integer(value: str | None, default: int) -> int:
    match = re.match(r"\s*(-?\d{1,9})", value or "")
    return int(match[1]) if match else default


def _letters(number: int) -> str:
    letters = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters


def _roman(number: int) -> str:
    text = ""
    for value, letters in _ROMAN if 0 < number < 4000 else ():
        count, number = divmod(number, value)
        text += letters * count
    return text + _ROMAN_BELOW_TEN[number] if number < 10 else str(number)


_WRITTEN: dict[str, Callable[[int], str]] = {
    **dict.fromkeys(("a", "lower-alpha", "lower-latin"), _letters),
    **dict.fromkeys(("A", "upper-alpha", "upper-latin"), lambda number: _letters(number).upper()),
    **dict.fromkeys(("i", "lower-roman"), _roman),
    **dict.fromkeys(("I", "upper-roman"), lambda number: _roman(number).upper()),
}
