"""Charts: their titles, and a table of what they draw, which the file keeps beside the reference to the cells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engines.parsing import Element, ElementKind, element_builders
from engines.parsing.office.office_package import child, children, descendants, local_name
from engines.parsing.sheets import number_formats

_MAX_POINTS = 10_000

Points = dict[int, str]


def elements(root: Any, page: int) -> Iterator[Element]:
    """Yield the chart's title with those of its axes, and a row for each category with the values of all series."""
    titles = dict.fromkeys(filter(None, map(_title, descendants(root, "title"))))
    if titles:
        yield Element(ElementKind.CAPTION, " — ".join(titles), page)
    names: list[str] = []
    rows: dict[tuple[int, str], dict[int, str]] = {}
    for column, series in enumerate(descendants(root, "ser", "series")):
        name, categories, values = _series(series, root)
        names.append(name)
        for at, value in values.items():
            rows.setdefault((at, categories.get(at, str(at + 1))), {})[column] = value
    if rows:
        columns = range(len(names))
        cells = [
            [category, *(rows[at, category].get(column, "") for column in columns)]
            for at, category in sorted(rows)
        ]
        yield element_builders.table([["", *names], *cells], page, header_rows=int(any(names)))


def _title(node: Any) -> str:
    return " ".join("".join(text.text or "" for text in descendants(node, "t", "v")).split())


def _series(series: Any, root: Any) -> tuple[str, Points, Points]:
    """Return the name, the categories and the values by their places. New kinds of charts have their data apart."""
    name = "".join(node.text or "" for tx in children(series, "tx") for node in descendants(tx, "v", "t"))
    if local_name(series) == "ser":
        categories, values = child(series, "cat"), child(series, "val")
        if values is None:
            categories, values = child(series, "xVal"), child(series, "yVal")
        return name, _points(categories), _points(values)
    number = next((node.get("val") for node in children(series, "dataId")), None)
    data = next((node for node in descendants(root, "data") if node.get("id") == number), None)
    return name, _points(child(data, "strDim")), _points(child(data, "numDim"))


def _points(data: Any) -> Points:
    """Categories of several levels are joined, the outer ones first."""
    found: Points = {}
    if data is None:
        return found
    levels = list(descendants(data, "lvl")) or [data]
    code = next((node.text for node in descendants(data, "formatCode")), None)
    for level in levels:
        points = {
            int(node.get("idx") or 0): _point_text(node, level.get("formatCode") or code)
            for node in descendants(level, "pt")
        }
        if not found:
            found = dict(list(points.items())[:_MAX_POINTS])
            continue
        outer = ""
        for at in sorted(found):
            outer = points.get(at, outer)
            found[at] = f"{outer} {found[at]}".strip()
    return found


def _point_text(node: Any, code: str | None) -> str:
    value = child(node, "v")
    text = ((node if value is None else value).text or "").strip()
    try:
        return number_formats.shown(float(text), node.get("formatCode") or code or number_formats.GENERAL)
    except ValueError:
        return text
