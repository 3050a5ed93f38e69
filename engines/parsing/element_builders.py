"""Functions that build elements."""

from __future__ import annotations

from collections.abc import Iterable

from engines.parsing import Element, ElementKind

# Between the cells of a row.
CELL_SEPARATOR = " | "


def title(text: str, level: int = 1, page: int | None = None) -> Element:
    return Element(kind=ElementKind.TITLE, text=" ".join(text.split()), page=page, level=max(1, level))


def paragraph(text: str, page: int | None = None) -> Element:
    return Element(kind=ElementKind.TEXT, text=text, page=page)


def item(text: str, page: int | None = None) -> Element:
    return Element(kind=ElementKind.LIST_ITEM, text=text, page=page)


def code(text: str, page: int | None = None) -> Element:
    return Element(kind=ElementKind.CODE, text=text, page=page)


def comment(text: str, author: str = "", page: int | None = None, *, place: str = "") -> Element:
    """`place` says what it is about, if the elements before do not show it, such as a sheet's cell."""
    head = "Comment" + (f" by {author}" if author.strip() else "") + (f" on {place}" if place else "")
    return Element(kind=ElementKind.COMMENT, text=f"{head}: {text}", page=page)


def table(rows: Iterable[Iterable[str]], page: int | None = None, header_rows: int = 0) -> Element:
    """One line per row. White space in cells is collapsed, and empty cells at the end of a row are dropped, as are empty
    rows. `header_rows` counts them, too."""
    lines = [CELL_SEPARATOR.join(" ".join(cell.split()) for cell in row).rstrip(" |") for row in rows]
    named = sum(bool(line.strip(" |")) for line in lines[:header_rows])
    text = "\n".join(line for line in lines if line.strip(" |"))
    return Element(kind=ElementKind.TABLE, text=text, page=page, header_rows=named)
