"""Charts and diagrams of Office files, as rows and lines of text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
DGM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"

_FIRST_DAY = datetime(1899, 12, 30)


def chart_title(chart: Any) -> str:
    title = chart.find(f"{C}chart/{C}title")
    return "" if title is None else _letters(title)


def chart_rows(chart: Any) -> list[list[str]]:
    """Return the categories with the values of each series, below the names of the series."""
    series = list(chart.iter(f"{C}ser"))
    names = [_name(one) for one in series]
    values: dict[str, list[str]] = {}
    for at, one in enumerate(series):
        categories = _points(one, "cat", "xVal")
        for key, text in _points(one, "val", "yVal").items():
            row = values.setdefault(categories.get(key) or str(int(key) + 1), [""] * len(series))
            row[at] = text
    axes = [
        _letters(title) for axis in ("catAx", "dateAx") for title in chart.findall(f".//{C}{axis}/{C}title")
    ]
    return [[" ".join(axes), *names], *([name, *row] for name, row in values.items())] if values else []


def _name(series: Any) -> str:
    node = series.find(f"{C}tx")
    return " ".join((part.text or "") for part in node.iter(f"{C}v")) if node is not None else ""


def _letters(node: Any) -> str:
    return " ".join("".join(part.text or "" for part in node.iter(f"{A}t", f"{C}v")).split())


def _points(series: Any, *names: str) -> dict[str, str]:
    """Return the shown texts of a series' points by their numbers."""
    node = next((found for name in names if (found := series.find(f"{C}{name}")) is not None), None)
    if node is None:
        return {}
    format = node.findtext(f".//{C}formatCode") or ""
    points: dict[str, str] = {}
    for point in node.iter(f"{C}pt"):
        text, key = point.findtext(f"{C}v") or "", point.get("idx", "")
        if key.isdigit():
            # Categories of several levels come from the lowest upwards.
            points[key] = f"{text} {points[key]}" if key in points else _shown(text, format)
    return points


def _shown(text: str, format: str) -> str:
    """Return a number as percent or day if its format says so, without the dust of binary fractions."""
    letters = re.sub(r'"[^"]*"|\\.|\[[^\]]*\]', "", format).lower()
    with suppress(ValueError, OverflowError):
        number = float(text)
        if "%" in letters:
            return f"{number * 100:.12g}%"
        if "yy" in letters:
            return (_FIRST_DAY + timedelta(days=number)).date().isoformat()
        return f"{number:.15g}"
    return text


def diagram_lines(diagram: Any) -> Iterator[str]:
    """Yield the texts of SmartArt, each before those below it."""
    points = {point.get("modelId"): point for point in diagram.iter(f"{DGM}pt")}
    below: dict[str | None, list[tuple[int, str | None]]] = {}
    for link in diagram.iter(f"{DGM}cxn"):
        if link.get("type", "parOf") == "parOf":
            order = link.get("srcOrd", "0")
            entry = (int(order) if order.isdigit() else 0, link.get("destId"))
            below.setdefault(link.get("srcId"), []).append(entry)
    roots = [name for name, point in points.items() if point.get("type") == "doc"]
    seen: set[str | None] = set()
    waiting = roots[::-1] or list(points)[::-1]
    while waiting:
        name = waiting.pop()
        if name in seen or name not in points:
            continue
        seen.add(name)
        text = " ".join(
            "".join(part.text or "" for part in line.iter(f"{A}t")) for line in points[name].iter(f"{A}p")
        )
        if text.strip():
            yield text.strip()
        waiting += [
            child for _, child in sorted(below.get(name, []), key=lambda entry: entry[0], reverse=True)
        ]
