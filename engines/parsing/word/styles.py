"""The styles of a Word file, each with what it inherits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engines.parsing.word.xml import Mark, W, is_on, value

# By the names that Word shows in English, whatever its language; own styles are based on these.
_MARKS = {
    "title": Mark.TITLE,
    "caption": Mark.CAPTION,
    **dict.fromkeys(("code", "source code", "code block", "codeblock", "listing"), Mark.CODE),
}

_HEADING = "heading "


class Styles:
    def __init__(self, root: Any) -> None:
        self._styles = {node.get(f"{W}styleId"): node for node in root.findall(f"{W}style")}
        self.hide_text = next(root.iter(f"{W}vanish"), None) is not None

    def _chain(self, name: str | None) -> Iterator[Any]:
        """Yield the style, and those that it is based on."""
        seen = set()
        while name in self._styles and name not in seen:
            seen.add(name)
            yield self._styles[name]
            name = value(self._styles[name], "basedOn")

    def mark(self, name: str | None) -> Mark | None:
        names = ((value(style, "name") or "").lower() for style in self._chain(name))
        return next((_MARKS[one] for one in names if one in _MARKS), None)

    def outline_level(self, name: str | None) -> int | None:
        """Return the level of the heading that a style is by the name of one that it is based on, where no style says it."""
        chain = list(self._chain(name))
        if any(value(style, "pPr", "outlineLvl") for style in chain):
            return None
        names = ((value(style, "name") or "").lower() for style in chain)
        levels = (one.removeprefix(_HEADING) for one in names if one.startswith(_HEADING))
        return next((int(level) - 1 for level in levels if level in "123456789"), None)

    def is_on(self, name: str | None, *path: str) -> bool:
        """Return whether the property is on in the style."""
        said = (is_on(style, *path) for style in self._chain(name))
        return bool(next((one for one in said if one is not None), False))

    def numbering(self, name: str | None) -> tuple[str | None, str | None]:
        """Return the list that paragraphs of this style belong to, and its level."""
        number = level = None
        for style in self._chain(name):
            number = number or value(style, "pPr", "numPr", "numId")
            level = level or value(style, "pPr", "numPr", "ilvl")
        return number, level

    def shades(self, name: str | None) -> list[Any]:
        """Return the backgrounds of the style's paragraphs and text."""
        paths = (f"{W}pPr/{W}shd", f"{W}rPr/{W}shd")
        return [style.find(path) for style in self._chain(name) for path in paths]
