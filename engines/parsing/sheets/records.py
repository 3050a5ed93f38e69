"""Data as lines of `name: value`, one element per record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from engines.parsing import Element, element_builders
from engines.parsing.markup import html

_MAX_RECORD = 1_500  # characters: what is larger is divided
_MAX_PAGE = 300  # a longer page in a record is read for itself
_TITLES = ("title", "name", "heading", "headline")


class Fields(list[tuple[str, Any]]):
    """Names and values, in order: strings, lists, and fields again. One name may stand several times; "" is for the value of
    all."""


class Page(str):
    """A value that is HTML."""

    __slots__ = ()


def elements(value: Any, name: str = "") -> Iterator[Element]:
    """Yield a small record whole; the records of a list, and the parts of a large one, each for itself."""
    if isinstance(value, Fields) and (_is_divided(value) or (not name and _repeats(value))):
        yield from _parts(value, name)
    elif isinstance(value, list) and not isinstance(value, Fields) and _has_fields(value):
        for inner in value:
            yield from elements(inner, name)
    elif text := "\n".join(lines(value, name)):
        yield element_builders.paragraph(text)


def _parts(fields: Fields, name: str) -> Iterator[Element]:
    small: list[str] = []
    for key, inner in fields:
        is_title = (
            key.lower() in _TITLES
            and isinstance(inner, str)
            and any(_is_long_page(each) for _, each in fields)
        )
        if not is_title and not isinstance(inner, list) and not _is_long_page(inner):
            small += lines(inner, _joined(name, key))
            continue
        yield from _flush(small)
        if is_title:
            yield element_builders.title(inner, 2)
        else:
            yield from html.elements(inner) if _is_long_page(inner) else elements(inner, _joined(name, key))
    yield from _flush(small)


def _flush(small: list[str]) -> Iterator[Element]:
    if small:
        yield element_builders.paragraph("\n".join(small))
        small.clear()


def _is_divided(fields: Fields) -> bool:
    return _has_long_page(fields) or sum(map(len, lines(fields, ""))) > _MAX_RECORD


def _has_long_page(value: Any) -> bool:
    if isinstance(value, Fields):
        return any(_has_long_page(inner) for _, inner in value)
    return any(map(_has_long_page, value)) if isinstance(value, list) else _is_long_page(value)


def _repeats(fields: Fields) -> bool:
    """Return whether these are records of one kind."""
    counts = Counter(key for key, inner in fields if isinstance(inner, Fields))
    return any(count > 1 for count in counts.values())


def _is_long_page(value: Any) -> bool:
    return isinstance(value, Page) and len(value) > _MAX_PAGE


def _has_fields(values: Iterable[Any]) -> bool:
    return any(isinstance(inner, list) for inner in values)


def lines(value: Any, name: str) -> Iterator[str]:
    """Yield a line for each scalar or list of scalars, with its path of names."""
    if isinstance(value, Fields):
        for key, inner in value:
            yield from lines(inner, _joined(name, key))
    elif isinstance(value, list) and _has_fields(value):
        for inner in value:
            yield from lines(inner, name)
    else:
        text = ", ".join(map(_scalar, value)) if isinstance(value, list) else _scalar(value)
        if text:
            yield f"{name}: {text}" if name else text


def _scalar(value: Any) -> str:
    if isinstance(value, Page):
        return "\n".join(element.text for element in html.elements(value))
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _joined(name: str, key: str) -> str:
    return f"{name}.{key}" if name and key else name or key
