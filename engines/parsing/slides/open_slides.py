"""OpenDocument presentations. (firecrawl-anydoc does not tell where a slide begins.)"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from lxml import etree

from engines.parsing import (
    Element,
    ElementKind,
    PageKind,
    ParsedDocument,
    ParseError,
    element_builders,
    warnings,
)
from engines.parsing.job import Job
from engines.parsing.office import odf
from engines.parsing.office.embedded_pictures import Pictures
from engines.parsing.office.office_package import XML_OPTIONS, attribute, children, descendants, local_name
from engines.parsing.pictures.reading_order import Box, in_reading_order
from engines.parsing.sheets.tables import count_header_rows
from engines.parsing.word.numbering import written

_LENGTH = re.compile(r"(-?[\d.]+)\s*([a-z]*)")
_POINTS = {"cm": 28.35, "mm": 2.835, "in": 72.0, "pt": 1.0, "pc": 12.0, "px": 0.75}
_TRANSLATION = re.compile(r"translate\s*\(\s*(\S+)\s+(\S+?)\s*\)")
_NUMBER_FORMATS = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_FURNITURE = ("footer", "date-time", "header")
_NUMBER = "<number>"
_UNREAD = ("page-number", "page", "handout")
_ORDER = {ElementKind.TITLE: 0, ElementKind.FOOTER: 2}


class _Placed(NamedTuple):
    box: Box
    elements: list[Element]


def read(job: Job) -> ParsedDocument:
    document = odf.OpenDocument(job)
    try:
        with document.content() as file:
            root = etree.parse(file, etree.XMLParser(**XML_OPTIONS)).getroot()
    except KeyError as error:
        raise ParseError("corrupt_file", type="OpenDocument presentation") from error
    pages = [page for body in descendants(root, "presentation") for page in children(body, "page")]
    reader = _Reader(job, document, root)
    elements = [element for number, page in enumerate(pages, 1) for element in reader.read_page(page, number)]
    losses = [warnings.warning("unread_parts", parts=warnings.listed(reader.unread))] if reader.unread else []
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(elements),
        metadata=document.properties | {"page_count": len(pages), "hidden_parts": reader.hidden or None},
        page_kind=PageKind.SLIDE,
        warnings=tuple(losses),
    )


class _Reader:
    def __init__(self, job: Job, document: odf.OpenDocument, root: Any) -> None:
        self.hidden = 0
        self.unread: list[str] = []
        self._document, self._pictures = document, Pictures(job)
        self._seen: set[str] = set()
        self._page_styles = {
            attribute(style, "name"): facts
            for style in descendants(root, "style")
            for facts in children(style, "drawing-page-properties")
        }
        parts = (root, document.tree("styles.xml"))
        self._masters = {
            attribute(one, "name"): one for part in parts for one in descendants(part, "master-page")
        }
        self._feet = {attribute(one, "name"): one.text or "" for one in descendants(root, "footer-decl")}
        self._list_styles = {attribute(style, "name"): style for style in descendants(root, "list-style")}

    def read_page(self, page: Any, number: int) -> list[Element]:
        if self._says(page, "visibility") == "hidden":
            self.hidden += 1
            return []
        placed = in_reading_order(list(self._placed(page, number)), lambda shape: shape.box)
        found = [element for shape in placed for element in shape.elements] + list(self._fixed(page, number))
        found.sort(key=lambda element: _ORDER.get(element.kind, 1))
        notes = [text for part in children(page, "notes") for text in self._notes(part)]
        if notes:
            found.append(Element(ElementKind.NOTE, "\n".join(notes), number))
        for remark in children(page, "annotation"):
            author = next((node.text or "" for node in children(remark, "creator")), "")
            found.append(element_builders.comment(" ".join(odf.paragraphs(remark)), author, number))
        return found

    def _says(self, page: Any, name: str) -> str:
        """Return what the page's style says of it."""
        facts = self._page_styles.get(attribute(page, "style-name"))
        return attribute(facts, name) if facts is not None else ""

    def _fixed(self, page: Any, number: int) -> Iterator[Element]:
        """Yield what the master writes on all slides, and the foot that the slide names."""
        master = self._masters.get(attribute(page, "master-page-name"))
        shapes = children(master, *odf.SHAPES) if master is not None else ()
        kinds = ["", "footer"] if self._says(page, "display-footer") != "false" else [""]
        if self._says(page, "background-objects-visible") != "false":
            for shape in (shape for shape in shapes if attribute(shape, "class") in kinds):
                yield from self._furniture(" ".join(odf.paragraphs(shape)).replace(_NUMBER, ""), number)
        if "footer" in kinds:
            yield from self._furniture(self._feet.get(attribute(page, "use-footer-name"), ""), number)

    def _furniture(self, text: str, page: int) -> Iterator[Element]:
        """Yield what stands on all slides once."""
        if any(map(str.isalpha, text)) and text not in self._seen:
            self._seen.add(text)
            yield Element(ElementKind.FOOTER, text, page)

    def _notes(self, page: Any) -> Iterator[str]:
        for frame in children(page, "frame"):
            if attribute(frame, "class") not in (*_UNREAD, *_FURNITURE):
                yield from odf.paragraphs(frame)

    def _placed(self, page: Any, number: int) -> Iterator[_Placed]:
        for shape in children(page, *odf.SHAPES):
            if attribute(shape, "display") == "none":
                self.hidden += 1
            elif local_name(shape) == "g":
                inner = in_reading_order(list(self._placed(shape, number)), lambda one: one.box)
                if inner:
                    corners = list(zip(*(one.box for one in inner), strict=True))
                    box = Box(min(corners[0]), min(corners[1]), max(corners[2]), max(corners[3]))
                    yield _Placed(box, [element for one in inner for element in one.elements])
            elif found := list(self._elements(shape, number)):
                yield _Placed(_box(shape), found)

    def _elements(self, shape: Any, page: int) -> Iterator[Element]:
        kind = attribute(shape, "class")
        if kind in _UNREAD or attribute(shape, "placeholder") == "true":
            return
        text = " ".join(odf.paragraphs(shape)) if kind == "title" or kind in _FURNITURE else ""
        if kind == "title" and text:
            yield element_builders.title(text, 1, page)
        elif kind in _FURNITURE:
            yield from self._furniture(text, page)
        elif tables := list(children(shape, "table")):
            yield from (_table(table, page) for table in tables)
        else:
            yield from self._blocks(shape, page)
            yield from odf.chart_elements(self._document, shape, page)
            yield from self._pictures_of(shape, page)

    def _blocks(self, node: Any, page: int) -> Iterator[Element]:
        counters: dict[int, int] = {}
        for part in node:
            match local_name(part):
                case "p" | "h":
                    counters.clear()
                    yield from (element_builders.paragraph(text, page) for text in odf.paragraphs([part]))
                case "list":
                    style = self._list_styles.get(attribute(part, "style-name"))
                    yield from (element_builders.item(text, page) for text in _items(part, style, counters))
                case "text-box":
                    yield from self._blocks(part, page)

    def _pictures_of(self, shape: Any, page: int) -> Iterator[Element]:
        """Yield the text of a picture. That of an object is shown by the object itself."""
        if any(True for _ in children(shape, "object", "object-ole")):
            return
        for name in dict.fromkeys(attribute(image, "href") for image in children(shape, "image")):
            if name and name not in self._seen and (data := self._document.data(name)):
                self._seen.add(name)
                found = self._pictures.read(data, page)
                if found is None:
                    self.unread.append(name)
                yield from found or ()


def _items(node: Any, style: Any, counters: dict[int, int], level: int = 1) -> Iterator[str]:
    """Yield the items of a list and of those in it, with their numbers if the style of their level has any. Each level goes
    on counting until an item of a higher one."""
    forms = children(style, "list-level-style-number") if style is not None else ()
    form = next((one for one in forms if _level(one) == level and attribute(one, "num-format")), None)
    for item in children(node, "list-item", "list-header"):
        if own := " ".join(odf.paragraphs(children(item, "p", "h"))):
            for deeper in [one for one in counters if one > level]:
                del counters[deeper]
            start = attribute(form, "start-value") if form is not None else ""
            counters[level] = counters.get(level, (int(start) if start.isdigit() else 1) - 1) + 1
            yield f"{_number(form, counters[level])} {own}" if form is not None else own
        for inner in children(item, "list"):
            yield from _items(inner, style, counters, level + 1)


def _level(style: Any) -> int:
    value = attribute(style, "level")
    return int(value) if value.isdigit() else 1


def _number(form: Any, number: int) -> str:
    text = written(number, _NUMBER_FORMATS.get(attribute(form, "num-format"), "decimal"))
    return f"{attribute(form, 'num-prefix')}{text}{attribute(form, 'num-suffix')}"


def _box(shape: Any) -> Box:
    """Return where the shape stands. What is turned is moved to its place afterwards."""
    left, top = _points(attribute(shape, "x")), _points(attribute(shape, "y"))
    if moved := _TRANSLATION.search(attribute(shape, "transform")):
        left, top = left + _points(moved[1]), top + _points(moved[2])
    return Box(
        left, top, left + _points(attribute(shape, "width")), top + _points(attribute(shape, "height"))
    )


def _points(length: str) -> float:
    match = _LENGTH.match(length)
    return float(match[1]) * _POINTS.get(match[2], 1.0) if match else 0.0


def _table(table: Any, page: int) -> Element:
    rows = odf.table_rows(table)
    is_headed = attribute(table, "use-first-row-styles") == "true" and len(rows) > 1
    return element_builders.table(rows, page, header_rows=max(int(is_headed), count_header_rows(rows)))
