"""DrawingML: the text of shapes, tables, diagrams and charts on slides and sheets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engines.parsing import Element, element_builders
from engines.parsing.office import charts
from engines.parsing.office.office_package import (
    Package,
    attribute,
    child,
    children,
    descendants,
    is_true,
    local_name,
    unescaped,
)

_UNSEEN_POINTS = ("pres", "parTrans", "sibTrans")


def paragraph_text(paragraph: Any) -> str:
    parts = []
    for node in descendants(paragraph, "t", "br"):
        parts.append("\n" if local_name(node) == "br" else unescaped(node.text or ""))
    return "".join(parts).strip()


def texts(body: Any) -> list[str]:
    """The paragraphs of a text body that have text."""
    return [text for paragraph in descendants(body, "p") if (text := paragraph_text(paragraph))]


def is_hidden(shape: Any) -> bool:
    return any(is_true(node.get("hidden")) for part in shape for node in children(part, "cNvPr"))


def without_fallbacks(root: Any) -> Any:
    """Remove what stands in for newer parts in older programs: it would be read twice."""
    for node in list(descendants(root, "Fallback")):
        node.getparent().remove(node)
    return root


def table_rows(table: Any) -> list[list[str]]:
    """Return the rows with each merged cell's text in all that it covers, but once if it covers a whole row."""
    rows: list[list[str]] = []
    for row in children(table, "tr"):
        cells: list[str] = []
        for at, cell in enumerate(children(row, "tc")):
            if is_true(cell.get("hMerge")) and cells:
                cells.append(cells[-1])
            elif is_true(cell.get("vMerge")) and rows and at < len(rows[-1]):
                cells.append(rows[-1][at])
            else:
                cells.append(" ".join(texts(cell)))
        is_whole = int((next(children(row, "tc"), row)).get("gridSpan") or 1) >= len(cells) > 1
        rows.append(cells[:1] if is_whole else cells)
    return rows


def linked_elements(package: Package, part: str, frame: Any, page: int) -> Iterator[Element]:
    """Yield the chart or the diagram that a frame refers to."""
    relations = package.relations(part)
    for node in descendants(frame, "chart", "relIds"):
        name = "dm" if local_name(node) == "relIds" else "id"
        relation = relations.get(attribute(node, name))
        if relation and not relation.is_external:
            root = package.tree(relation.target)
            yield from charts.elements(root, page) if name == "id" else diagram_elements(root, page)


def diagram_elements(root: Any, page: int) -> Iterator[Element]:
    """Yield a list item for each text of a SmartArt, from each point to what hangs on it."""
    points = {node.get("modelId"): node for node in descendants(root, "pt")}
    below: dict[str | None, list[tuple[int, str | None]]] = {}
    for link in descendants(root, "cxn"):
        if link.get("type", "parOf") == "parOf":
            below.setdefault(link.get("srcId"), []).append((int(link.get("srcOrd") or 0), link.get("destId")))
    starts = [key for key, node in points.items() if node.get("type") == "doc"]
    ordered, stack = [], starts[::-1]
    while stack:
        key = stack.pop()
        if key in points:
            ordered.append(points.pop(key))
            stack += [child_key for _, child_key in sorted(below.get(key, ()), key=lambda link: link[0])][
                ::-1
            ]
    for node in (*ordered, *points.values()):
        if node.get("type") not in _UNSEEN_POINTS and (body := child(node, "t")) is not None:
            yield from (element_builders.item(text, page) for text in texts(body))
