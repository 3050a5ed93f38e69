"""The paragraphs of a shape on a slide: which are list items, by the styles that they inherit, and with which numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from engines.parsing import Element, element_builders
from engines.parsing.office import drawings
from engines.parsing.office.office_package import child, children, descendants
from engines.parsing.word.numbering import written

_BULLETS = ("buNone", "buChar", "buAutoNum", "buBlip")
_FORMATS = {
    "alphaLc": "lowerLetter",
    "alphaUc": "upperLetter",
    "romanLc": "lowerRoman",
    "romanUc": "upperRoman",
}
_FRAMES = {"ParenBoth": "({})", "ParenR": "{})", "Period": "{}."}


class _Bullet(NamedTuple):
    node: Any  # None if it is no list item
    level: int


def elements(shape: Any, inherited: Sequence[Any], page: int) -> Iterator[Element]:
    """`inherited` are the list styles that apply to the shape, the nearest first."""
    body = child(shape, "txBody")
    if body is None:
        return
    counters: dict[int, int] = {}
    for paragraph in children(body, "p"):
        text = drawings.paragraph_text(paragraph)
        bullet = _bullet(paragraph, [child(body, "lstStyle"), *inherited])
        if not text:
            continue
        number = _next_number(bullet, counters)
        if bullet.node is None:
            yield element_builders.paragraph(text, page)
        else:
            yield element_builders.item(f"{number} {text}".strip(), page)


def _bullet(paragraph: Any, styles: Sequence[Any]) -> _Bullet:
    properties = child(paragraph, "pPr")
    level = int(properties.get("lvl") or 0) if properties is not None else 0
    for node in (properties, *(child(style, f"lvl{level + 1}pPr") for style in styles if style is not None)):
        found = next(children(node, *_BULLETS), None) if node is not None else None
        if found is not None:
            return _Bullet(None if str(found.tag).endswith("}buNone") else found, level)
    return _Bullet(None, level)


def _next_number(bullet: _Bullet, counters: dict[int, int]) -> str:
    """Count the item, and return its number, or "" if it has none. Other paragraphs end the lists of their level."""
    kind = bullet.node.get("type") if bullet.node is not None else None
    for level in [
        level for level in counters if level > bullet.level or (level == bullet.level and not kind)
    ]:
        del counters[level]
    if not kind:
        return ""
    start = int(bullet.node.get("startAt") or 1)
    counters[bullet.level] = number = counters.get(bullet.level, start - 1) + 1
    form = next((name for key, name in _FORMATS.items() if kind.startswith(key)), "decimal")
    frame = next((frame for key, frame in _FRAMES.items() if kind.endswith(key)), "{}")
    return frame.format(written(number, form))


def placeholder(shape: Any) -> Any:
    """Return the mark that the shape fills a place of the slide's layout, or None."""
    return next(descendants(shape, "ph"), None)
