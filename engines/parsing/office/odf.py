"""What OpenDocument files of all kinds have in common: their parts, the text of paragraphs, and charts."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterable, Iterator
from typing import IO, Any

from lxml import etree

from engines.parsing import Element, ElementKind, element_builders
from engines.parsing.job import Job
from engines.parsing.office import package
from engines.parsing.office.office_package import (
    BROKEN_ZIP,
    XML_OPTIONS,
    attribute,
    children,
    descendants,
    local_name,
)
from engines.parsing.sheets.tables import count_header_rows

_MAX_REPEATED = 1_000
_MOST = {"rows": 1_048_576, "columns": 16_384}  # that a sheet has
SHAPES = (
    "frame",
    "custom-shape",
    "rect",
    "ellipse",
    "circle",
    "g",
    "line",
    "connector",
    "polygon",
    "path",
    "caption",
)
_UNSEEN = ("annotation", "annotation-end", "ruby-text", "note", "tracked-changes")


class OpenDocument:
    """A package, or a flat file, which has all in one part."""

    def __init__(self, job: Job) -> None:
        """Raise ParseError if it is encrypted or too large."""
        self._path = job.path
        self._archive = None
        self.properties: dict[str, Any] = {}
        if zipfile.is_zipfile(job.path):
            package.check(job)
            self._archive = zipfile.ZipFile(job.path)
            self.properties = package.read_properties(job)

    def content(self) -> IO[bytes]:
        """Raise KeyError if there is none."""
        return self._archive.open("content.xml") if self._archive else self._path.open("rb")

    def data(self, name: str) -> bytes:
        """Return a part's bytes, or none if it is missing or broken."""
        try:
            return self._archive.read(posixpath.normpath(name)) if self._archive else b""
        except (*BROKEN_ZIP, KeyError):
            return b""

    def tree(self, name: str) -> Any:
        """Return the root of a part; an element without content if there is none."""
        data = self.data(name)
        root = etree.fromstring(data, etree.XMLParser(**XML_OPTIONS)) if data.strip() else None
        return etree.Element("none") if root is None else root


def paragraphs(node: Iterable[Any]) -> Iterator[str]:
    """Yield the text of the paragraphs in a node, without those of comments."""
    for part in node:
        if local_name(part) in ("p", "h"):
            text = "".join(_texts(part)).strip()
            if text:
                yield text
        elif local_name(part) not in _UNSEEN:
            yield from paragraphs(part)


def _texts(node: Any) -> Iterator[str]:
    yield node.text or ""
    for part in node:
        match local_name(part):
            case "s":
                yield " " * min(int(attribute(part, "c") or 1), _MAX_REPEATED)
            case "tab":
                yield "\t"
            case "line-break":
                yield "\n"
            case name if name not in _UNSEEN and isinstance(part.tag, str):
                yield from _texts(part)
        yield part.tail or ""


def repeated(node: Any, what: str) -> int:
    """Return how often a row or a cell stands there. `what` is "rows" or "columns"."""
    value = attribute(node, f"number-{what}-repeated")
    return min(int(value), _MOST[what]) if value.isdigit() else 1


def spanned(node: Any, what: str) -> int:
    value = attribute(node, f"number-{what}-spanned")
    return int(value) if value.isdigit() else 1


def chart_elements(document: OpenDocument, frame: Any, page: int | None) -> Iterator[Element]:
    """Yield the titles and the data of the charts in a frame."""
    for link in children(frame, "object"):
        root = document.tree(posixpath.join(attribute(link, "href"), "content.xml"))
        for chart in descendants(root, "chart"):
            titles = [" ".join(paragraphs(node)) for node in descendants(chart, "title", "subtitle")]
            if any(titles):
                yield Element(ElementKind.CAPTION, " — ".join(filter(None, titles)), page)
            for table in children(chart, "table"):
                rows = table_rows(table)
                if any(map(any, rows)):
                    yield element_builders.table(rows, page, header_rows=count_header_rows(rows))


def table_rows(table: Any) -> list[list[str]]:
    """Return the rows with each merged cell's text in all that it covers, but once if it covers a whole row."""
    grid: list[list[str]] = []
    rows = list(descendants(table, "table-row"))
    covered: dict[tuple[int, int], str] = {}
    for y, row in enumerate(rows):
        grid.append([])
        cells = list(children(row, "table-cell", "covered-table-cell"))
        for cell in cells:
            text = " ".join(paragraphs(cell))
            for _ in range(min(repeated(cell, "columns"), _MAX_REPEATED)):
                x = len(grid[y])
                right, bottom = (
                    x + min(spanned(cell, "columns"), len(cells)),
                    y + min(spanned(cell, "rows"), len(rows)),
                )
                covered |= {
                    (below, at): text
                    for below in range(y, bottom)
                    for at in range(x, right)
                    if (below, at) != (y, x)
                }
                grid[y].append(text or covered.get((y, x), ""))
        if cells and spanned(cells[0], "columns") >= len(grid[y]) > 1:
            grid[y] = grid[y][:1]
    return grid
