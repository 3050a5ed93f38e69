"""The styles of OpenDocument texts: which paragraphs are headings, what is hidden, and how lists are numbered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engines.parsing.office.office_package import attribute, children, descendants

_MAX_PARENTS = 20
_NUMERALS = tuple(
    zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i"),
        strict=True,
    )
)


class Styles:
    """The styles of all parts of a document. Those of the text itself are only used by it."""

    def __init__(self, *roots: Any) -> None:
        self._styles: dict[tuple[str, str], Any] = {}
        self._lists: dict[str, dict[int, Any]] = {}
        self.pages: dict[str, Any] = {}
        for root in roots:
            for node in descendants(root, "style"):
                self._styles[attribute(node, "family"), attribute(node, "name")] = node
            for node in descendants(root, "list-style", "outline-style"):
                self._lists[attribute(node, "name")] = dict(_levels(node))
            self.pages |= {attribute(node, "name"): node for node in descendants(root, "master-page")}

    def names(self, family: str, name: str) -> list[str]:
        """Return the names of a style and of those on which it is based. Some writers use styles that they do not define."""
        return [name, *(attribute(node, "parent-style-name") for node in self._chain(family, name))]

    def value(self, family: str, name: str, key: str) -> str:
        """Return what a style or one of those on which it is based says first, or ""."""
        for node in self._chain(family, name):
            for properties in (node, *children(node, f"{family}-properties", "text-properties")):
                if found := attribute(properties, key):
                    return found
        return ""

    def _chain(self, family: str, name: str) -> Iterator[Any]:
        for _ in range(_MAX_PARENTS):
            if (node := self._styles.get((family, name))) is None:
                return
            yield node
            name = attribute(node, "parent-style-name")

    def is_hidden(self, family: str, name: str) -> bool:
        return bool(name) and self.value(family, name, "display") == "none"

    def level(self, list_style: str, level: int) -> Any:
        """Return how a level of a list is labelled, or None if it has bullets or nothing."""
        return self._lists.get(list_style, {}).get(level)


def _levels(node: Any) -> Iterator[tuple[int, Any]]:
    for level in children(node, "list-level-style-number", "outline-level-style"):
        if attribute(level, "num-format"):
            yield int(attribute(level, "level") or 1), level


class Counters:
    """The numbers that the levels of one list have reached."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}

    def label(self, styles: Styles, list_style: str, level: int, start: str = "") -> str:
        """Count one more item, and return its label, or "" if it has none."""
        node = styles.level(list_style, level)
        first = int(start or (attribute(node, "start-value") if node is not None else "") or 1)
        self._numbers[level] = first if start or level not in self._numbers else self._numbers[level] + 1
        for deeper in [one for one in self._numbers if one > level]:
            del self._numbers[deeper]
        if node is None:
            return ""
        shown = range(level - int(attribute(node, "display-levels") or 1) + 1, level + 1)
        parts = []
        for one in shown:
            how = styles.level(list_style, one)
            if how is not None:
                parts.append(number_text(self._numbers.get(one, 1), attribute(how, "num-format")))
        return f"{attribute(node, 'num-prefix')}{'.'.join(parts)}{attribute(node, 'num-suffix')}".strip()


def number_text(number: int, form: str) -> str:
    """Return a number as figures, letters or Roman numerals, by what the form's name begins with."""
    if form.lower() == "a":
        letters = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letters.upper() if form == "A" else letters
    if form.lower() == "i":
        numeral = ""
        for value, letters in _NUMERALS:
            count, number = divmod(number, value)
            numeral += letters * count
        return numeral.upper() if form == "I" else numeral
    return str(number)
