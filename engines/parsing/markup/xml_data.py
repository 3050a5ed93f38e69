"""XML that holds data: its elements and attributes as fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from engines.parsing import Element, element_builders
from engines.parsing.markup.mathml import local_name
from engines.parsing.markup.xml_names import ITEMS, LEFT_OUT, LINES
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


def leaves(nodes: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Yield the texts in elements that stand beside each other, by the names of what has them. Of several records of one
    name, such as persons or dates, each is one text."""
    beside = [
        node for node in nodes if isinstance(node.tag, str) and local_name(node).lower() not in LEFT_OUT
    ]
    names = Counter(map(local_name, beside))
    for node in beside:
        name = local_name(node)
        found = list(leaves(node)) if len(node) and not is_mixed(node) else [(name, flow(node))]
        is_record = names[name] > 1 and len(found) > 1
        yield from (
            [(name, ", ".join(_in_record(*field) for field in found if field[1]))] if is_record else found
        )


def _in_record(name: str, text: str) -> str:
    """A number means nothing without its name."""
    return f"{name} {text}" if text.isdigit() else text


def merged(found: Iterable[tuple[str, str]]) -> Fields:
    """Return fields, in which texts that follow each other under one name are one, each of them once. Items of lists have
    lines of their own."""
    merged = Fields()
    for name, group in groupby(found, key=itemgetter(0)):
        texts = list(dict.fromkeys(text for _, text in group if text))
        parts = texts if name.lower() in ITEMS else ["; ".join(texts)]
        merged += [(name, part) for part in parts]
    return merged


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
