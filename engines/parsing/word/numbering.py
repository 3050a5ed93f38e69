"""The numbers of list items and clauses, which Word does not store but counts."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from engines.parsing.word.styles import Styles
from engines.parsing.word.xml import W, is_on, value

_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc")),
    *((50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
_CHINESE = "〇一二三四五六七八九"
_MAX_NUMBER = 10_000


def written(number: int, format: str) -> str:
    """Return the number as the format writes it. Formats that are not known here are written as figures."""
    if not 0 < number < _MAX_NUMBER:
        return str(number)
    if format in ("lowerLetter", "upperLetter"):
        text = chr(97 + (number - 1) % 26) * ((number - 1) // 26 + 1)
    elif format in ("lowerRoman", "upperRoman"):
        text, rest = "", number
        for worth, letters in _ROMAN:
            text += letters * (rest // worth)
            rest %= worth
    elif format == "decimalZero":
        text = f"{number:02d}"
    elif ("hinese" in format or "japanese" in format) and number < 100:
        tens, ones = divmod(number, 10)
        text = (_CHINESE[tens] if tens > 1 else "") + "十" * (tens > 0) + (_CHINESE[ones] if ones else "")
    else:
        text = str(number)
    return text.upper() if format.startswith("upper") else text


@dataclass(frozen=True, slots=True)
class _Level:
    format: str
    text: str
    start: int
    has_plain_numbers: bool


def _read_level(node: Any) -> _Level:
    return _Level(
        format=value(node, "numFmt") or "decimal",
        text=value(node, "lvlText") or "",
        start=_figure(value(node, "start"), 1),
        has_plain_numbers=bool(is_on(node, "isLgl")),
    )


def _figure(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else otherwise


class Numbering:
    """Counts while the paragraphs are walked through in order."""

    def __init__(self, root: Any, styles: Styles) -> None:
        self._styles = styles
        self._abstract = {node.get(f"{W}abstractNumId"): node for node in root.findall(f"{W}abstractNum")}
        self._lists = {node.get(f"{W}numId"): node for node in root.findall(f"{W}num")}
        self._levels: dict[str, dict[int, _Level]] = {}
        self._counts: dict[str | None, dict[int, int]] = {}

    def label(self, number: str | None, level: int) -> str | None:
        """Count a paragraph, and return what stands before it: "" for a bullet, None if it is in no list."""
        if number is None or number not in self._lists:
            return None
        abstract = self._abstract_id(number)
        counts = self._counts.setdefault(abstract, {})
        if number not in self._levels:
            self._levels[number] = self._read_levels(number, abstract, counts)
        levels = self._levels[number]
        if level not in levels:
            return None
        for higher in (one for one in levels if one < level):
            counts.setdefault(higher, levels[higher].start)
        counts[level] = counts.get(level, levels[level].start - 1) + 1
        for deeper in [one for one in counts if one > level]:
            del counts[deeper]
        return self._written(levels, counts, level)

    def level_of(self, number: str | None, style: str | None) -> str:
        """Return the level of a list that belongs to a style."""
        abstract = self._abstract.get(self._abstract_id(number)) if number in self._lists else None
        levels = abstract.findall(f"{W}lvl") if abstract is not None and style else []
        return next((level.get(f"{W}ilvl", "0") for level in levels if value(level, "pStyle") == style), "0")

    def _abstract_id(self, number: str | None) -> str | None:
        """Return the definition of a list, which may be that of a list style."""
        found = value(self._lists[number], "abstractNumId")
        style = value(self._abstract.get(found), "numStyleLink")
        linked = self._styles.numbering(style)[0] if style else None
        return value(self._lists[linked], "abstractNumId") if linked in self._lists else found

    def _read_levels(self, number: str, abstract: str | None, counts: dict[int, int]) -> dict[int, _Level]:
        """Return a list's levels; those that it starts anew are counted from their start."""
        definition = self._abstract.get(abstract)
        nodes = definition.findall(f"{W}lvl") if definition is not None else []
        levels = {_figure(node.get(f"{W}ilvl"), 0): _read_level(node) for node in nodes}
        for override in self._lists[number].findall(f"{W}lvlOverride"):
            level = _figure(override.get(f"{W}ilvl"), 0)
            own, start = override.find(f"{W}lvl"), value(override, "startOverride")
            if own is not None:
                levels[level] = _read_level(own)
            if start is not None and level in levels:
                levels[level] = replace(levels[level], start=_figure(start, 1))
                counts.pop(level, None)
        return levels

    def _written(self, levels: dict[int, _Level], counts: dict[int, int], level: int) -> str:
        own = levels[level]
        if own.format in ("bullet", "none") and "%" not in own.text:
            return ""

        def number_at(match: re.Match[str]) -> str:
            at = int(match[1]) - 1
            other = levels.get(at, own)
            format = "decimal" if own.has_plain_numbers else other.format
            return "" if format == "none" else written(counts.get(at, other.start), format)

        return re.sub(r"%(\d)", number_at, own.text).strip()
