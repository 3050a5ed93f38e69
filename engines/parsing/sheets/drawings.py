"""What belongs to a sheet of a workbook besides its cells: comments, text boxes, charts and diagrams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from engines.parsing import Element, element_builders
from engines.parsing.office import drawings
from engines.parsing.office.office_package import Package, child, children, descendants
from engines.parsing.sheets.tables import Sheet, areas


class _Comment(NamedTuple):
    cell: str
    author: str
    text: str


def add(package: Package, main: str, part: str, sheet: Sheet) -> None:
    """Add what the sheet's part refers to, each at its row."""
    for comment in _comments(package, main, part):
        for area in areas(comment.cell):
            sheet.add_comment(area.top, area.left, comment.text, comment.author)
    for name in package.targets(part, "drawing"):
        for anchor in drawings.without_fallbacks(package.tree(name)):
            row = child(anchor, "from", "row")
            at = int(row.text) if row is not None else 0
            sheet.remarks += ((at, element) for element in _drawn(package, name, anchor, sheet.number))
    for name in package.targets(part, "vmlDrawing"):
        sheet.remarks += _controls(package.tree(name), sheet.number)


def _comments(package: Package, main: str, part: str) -> Iterator[_Comment]:
    """Yield comments and answers to them. For older programs each conversation is stored again, as one comment."""
    people = {
        node.get("id"): node.get("displayName") or ""
        for name in package.targets(main, "person")
        for node in descendants(package.tree(name), "person")
    }
    answered = set()
    for name in package.targets(part, "threadedComment"):
        for node in descendants(package.tree(name), "threadedComment"):
            cell = node.get("ref") or ""
            answered.add(cell)
            text = "".join(text.text or "" for text in children(node, "text"))
            yield _Comment(cell, people.get(node.get("personId"), ""), text)
    for name in package.targets(part, "comments"):
        if not name.endswith(".xml"):
            continue
        root = package.tree(name)
        authors = [node.text or "" for node in descendants(root, "author")]
        for node in descendants(root, "comment"):
            if node.get("ref") not in answered:
                number = int(node.get("authorId") or 0)
                author = authors[number] if number < len(authors) else ""
                text = "".join(text.text or "" for text in descendants(node, "t"))
                yield _Comment(node.get("ref") or "", author, text.removeprefix(f"{author}:").strip())


def _drawn(package: Package, part: str, anchor: Any, page: int) -> Iterator[Element]:
    for node in descendants(anchor, "sp", "graphicFrame"):
        if not drawings.is_hidden(node):
            for body in children(node, "txBody"):
                yield from (element_builders.paragraph(text, page) for text in drawings.texts(body))
            yield from drawings.linked_elements(package, part, node, page)


def _controls(root: Any, page: int) -> Iterator[tuple[int, Element]]:
    """Yield the labels of boxes and buttons, with their rows. Comments have such a box, too."""
    for shape in descendants(root, "shape"):
        data = child(shape, "ClientData")
        text = " ".join(" ".join(box.itertext()) for box in children(shape, "textbox"))
        if text.strip() and data is not None and data.get("ObjectType") != "Note":
            anchor = ((child(data, "Anchor") or data).text or "").split(",")
            row = anchor[2].strip() if len(anchor) > 2 else ""
            yield int(row) if row.isdigit() else 0, element_builders.paragraph(" ".join(text.split()), page)
