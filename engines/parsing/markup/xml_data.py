"""XML that holds data: its elements and attributes as fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engines.parsing import Element, element_builders
from engines.parsing.markup.mathml import local_name
from engines.parsing.markup.xml_names import LEFT_OUT, LINES
from engines.parsing.sheets.records import Fields, Page

_MARKUP = ("</", "<p>", "<br", "/>")


def fields(node: Any) -> Any:
    """Return an element's fields, or its text if it has nothing else."""
    text = flow(node)
    children = [child for child in node if isinstance(child.tag, str)]
    found = Fields((name, value) for name, value in node.items() if "}" not in name and value.strip())
    if not children or is_mixed(node):
        value = Page(text) if any(mark in text for mark in _MARKUP) else text
        return Fields([("", value), *found]) if found else value
    kept = (child for child in children if local_name(child).lower() not in LEFT_OUT)
    return Fields([*found, *((local_name(child), fields(child)) for child in kept)])


def leaves(node: Any) -> Fields:
    """Return the texts in an element by the names of what has them."""
    inner = [
        child for child in node if isinstance(child.tag, str) and local_name(child).lower() not in LEFT_OUT
    ]
    if not inner or is_mixed(node):
        return Fields([(local_name(node), flow(node))])
    return Fields(field for child in inner for field in leaves(child))


def labels(root: Any) -> Iterator[Element]:
    """Yield the words of a drawing."""
    for node in root.iter("{*}title", "{*}desc", "{*}text"):
        yield element_builders.paragraph(flow(node))


def is_mixed(node: Any) -> bool:
    """Return whether an element has text beside its children."""
    if not len(node):
        return False
    return bool(node.text and node.text.strip()) or any(child.tail and child.tail.strip() for child in node)


def flow(node: Any) -> str:
    """Return all text inside on one line. Elements that follow each other without text between them are several words."""
    return " ".join("".join(_flow(node)).split())


def _flow(node: Any) -> Iterator[str]:
    is_line = not len(node) or is_mixed(node) or local_name(node).lower() in LINES
    separator = "" if is_line else " "
    yield node.text or ""
    for child in node:
        if isinstance(child.tag, str) and local_name(child).lower() not in LEFT_OUT:
            yield from _flow(child)
        yield (child.tail or "") + separator
