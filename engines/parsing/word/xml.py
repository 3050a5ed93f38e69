"""Names in the XML of Word, and marks in its text.

Marks are written into a file's text before office-oxide reads it, and found in the tree that it makes, at the same place.
They are characters that Unicode keeps free for such use inside a program.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from typing import Any

from lxml import etree

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
V = "{urn:schemas-microsoft-com:vml}"
SPACE = "{http://www.w3.org/XML/1998/namespace}space"


class Mark(StrEnum):
    """A new page begins; the kind of the paragraph; the limits of a formula; a part of the file stands here, whose name
    follows up to END."""

    PAGE = "\ufdd0"
    TITLE = "\ufdd1"
    ITEM = "\ufdd2"
    CAPTION = "\ufdd3"
    CODE = "\ufdd4"
    FORMULA = "\ufdd5"
    PART = "\ufdd6"
    END = "\ufdd7"


def value(node: Any, *path: str) -> str | None:
    """Return the attribute `val` of the node at the end of this path of Word's names, or None."""
    found = node.find(_path(path)) if node is not None else None
    return None if found is None else found.get(f"{W}val")


def is_on(node: Any, *path: str) -> bool | None:
    """Return whether the property at the end of the path is on or off, or None if nothing is said."""
    found = node.find(_path(path)) if node is not None else None
    return None if found is None else found.get(f"{W}val", "true") not in ("0", "false", "off", "none")


@cache
def _path(names: tuple[str, ...]) -> str:
    return "/".join(W + name for name in names)


def run(text: str) -> Any:
    """Return a run with this text."""
    node = etree.Element(f"{W}r")
    etree.SubElement(node, f"{W}t", {SPACE: "preserve"}).text = text
    return node


def paragraph(text: str) -> Any:
    node = etree.Element(f"{W}p")
    node.append(run(text))
    return node


def table(rows: Iterable[Iterable[str]]) -> Any:
    node = etree.Element(f"{W}tbl")
    for row in rows:
        line = etree.SubElement(node, f"{W}tr")
        for text in row:
            etree.SubElement(line, f"{W}tc").append(paragraph(text))
    return node


def prepend(paragraph: Any, text: str) -> None:
    """Put text in front of a paragraph's own, on the page where that begins."""
    first = next((node for node in paragraph.iter(f"{W}t") if (node.text or "").strip()), None)
    if first is not None and first.text == Mark.PAGE:
        first.text += text
    else:
        paragraph.insert(1 if paragraph.find(f"{W}pPr") is not None else 0, run(text))


def remove(node: Any) -> None:
    """Remove a node, but not the text behind it."""
    parent = node.getparent()
    if parent is not None:
        parent.remove(node)
