"""OpenDocument texts: all that stands on the pages, with notes and comments after what they belong to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree

from engines.parsing import Element, ElementKind, Member, ParsedDocument, ParseError, element_builders
from engines.parsing.archives.members import MemberFolder
from engines.parsing.job import Job
from engines.parsing.markup import mathml
from engines.parsing.office import odf, ole_objects
from engines.parsing.office.embedded_pictures import Pictures
from engines.parsing.office.office_package import (
    BROKEN_ZIP,
    XML_OPTIONS,
    attribute,
    child,
    children,
    descendants,
    local_name,
)
from engines.parsing.office.open_styles import Counters, Styles
from engines.parsing.sheets.tables import count_header_rows
from engines.parsing.warnings import listed, warning

_OUTLINE = "Outline"  # the style of the numbers of headings
_SPACES = re.compile(r"[ \t\r\n]+")
_PAGE_BREAK = "\f"  # within the text of a paragraph
_SUPERSCRIPTS = str.maketrans("0123456789+-\u2212=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
_RAISED = set("0123456789+-\u2212=()n")
_CODE_STYLES = ("Preformatted_20_Text", "Source_20_Text")
_CAPTION_STYLES = ("Caption", "Table", "Illustration", "Figure", "Drawing")
_ROW_GROUPS = ("table-header-rows", "table-rows", "table-row-group")
_GROUPS = (
    *(
        "table-of-content",
        "illustration-index",
        "table-index",
        "object-index",
        "user-index",
        "alphabetical-index",
    ),
    *("bibliography", "index-body", "index-title", "numbered-paragraph", "page-sequence"),
)
_UNSEEN = (
    "tracked-changes",
    "ruby-text",
    "forms",
    "sequence-decls",
    "variable-decls",
    "user-field-decls",
    "title",
    "desc",
)
_MAX_SPACES, _MAX_COLUMNS = 1_000, 1_000


def read(job: Job) -> ParsedDocument:
    document = odf.OpenDocument(job)
    parser = etree.XMLParser(**XML_OPTIONS)
    try:
        with document.content() as file:
            root = etree.parse(file, parser).getroot()
    except (KeyError, etree.XMLSyntaxError, *BROKEN_ZIP) as error:
        raise ParseError("corrupt_file", type="OpenDocument text") from error
    body = child(root, "body", "text")
    if body is None:
        raise ParseError("corrupt_file", type="OpenDocument text")
    reader = _Reader(document, Styles(document.tree("styles.xml"), root), body, Pictures(job))
    found = reader.read(body)
    losses = (
        [warning("damaged", reason="it is no valid XML")] if parser.error_log.filter_from_fatals() else []
    )
    losses += [warning("unread_parts", parts=listed(reader.unread))] if reader.unread else []
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(found),
        members=tuple(reader.members(job)),
        metadata=document.properties | {"page_count": reader.page, "hidden_parts": reader.hidden},
        warnings=tuple(losses),
    )


class _Reader:
    """Walks through the text. `page` is None where the file does not say where its pages end; `unread` has the names of
    pictures that could not be read."""

    def __init__(self, document: odf.OpenDocument, styles: Styles, body: Any, pictures: Pictures) -> None:
        self._document, self._styles, self._pictures = document, styles, pictures
        self.unread: list[str] = []
        self._elements: list[Element] = []
        self._following: list[Element] = []  # what is written after the paragraph that is being read
        self._counters: dict[str, Counters] = {}
        self._embedded: list[str] = []
        self.page = 1 if next(descendants(body, "soft-page-break"), None) is not None else None
        self.hidden = 0

    def read(self, body: Any) -> list[Element]:
        self._blocks(body)
        heads, feet = (list(self._marginal(kind)) for kind in (ElementKind.HEADER, ElementKind.FOOTER))
        return [*heads, *self._elements, *feet]

    def _marginal(self, kind: ElementKind) -> Iterator[Element]:
        """Yield each different header or footer of all kinds of pages."""
        seen = set()
        for page in self._styles.pages.values():
            for node in children(page, *(f"{kind}{which}" for which in ("", "-left", "-first"))):
                text = "" if attribute(node, "display") == "false" else self._text_of(node)
                if any(map(str.isalpha, text)) and text not in seen:
                    seen.add(text)
                    yield Element(kind=kind, text=text)

    def _text_of(self, nodes: Iterable[Any]) -> str:
        """Return the text of the blocks in a note or a margin, one per line."""
        page, self.page = self.page, None
        text = "\n".join(element.text for element in self._apart(nodes)).strip()
        self.page = page
        return text

    def _blocks(self, nodes: Iterable[Any]) -> None:
        for node in nodes:
            self._block(node, local_name(node))

    def _block(self, node: Any, name: str) -> None:
        if name in ("p", "h"):
            self._paragraph(node)
        elif name == "list":
            self._list(node)
        elif name == "table":
            self._table(node)
        elif name == "soft-page-break":
            self._turn_page()
        elif name == "section":
            self._section(node)
        elif name in _GROUPS:
            self._blocks(node)
        elif name in odf.SHAPES:
            self._shape(node)
            self._end_paragraph()

    def _section(self, node: Any) -> None:
        if attribute(node, "display") in ("none", "condition") and attribute(node, "is-hidden") != "false":
            self.hidden += 1
        else:
            self._blocks(node)

    def _turn_page(self) -> None:
        if self.page is not None:
            self.page += 1

    def _paragraph(self, node: Any, label: str = "", *, is_item: bool = False) -> None:
        style = attribute(node, "style-name")
        if self._styles.is_hidden("paragraph", style) or self._is_hidden_paragraph(node):
            self.hidden += 1
            return
        if self.page and self._styles.value("paragraph", style, "break-before") == "page" and self._elements:
            self._turn_page()
        names = self._styles.names("paragraph", style)
        level = self._title_level(node, names)
        if level and not label:
            label = self._counters.setdefault(_OUTLINE, Counters()).label(self._styles, _OUTLINE, level)
        is_begun = False
        for number, part in enumerate(self._inline(node).split(_PAGE_BREAK)):
            if number:
                self._turn_page()
            if is_begun and part.strip():
                self._elements.append(Element(ElementKind.TEXT, part.strip(), self.page, continues=True))
            elif part.strip():
                self._begin(f"{label} {part.strip()}".strip(), part, level, names, is_item=is_item)
                is_begun = True
        self._end_paragraph()

    def _begin(self, text: str, raw: str, level: int, names: list[str], *, is_item: bool) -> None:
        """Add the element of a paragraph. Each line of code is a paragraph, whose spaces count."""
        if level or is_item or set(_CODE_STYLES).isdisjoint(names):
            self._elements.append(self._element(text, level, names, is_item=is_item))
        elif self._elements and self._elements[-1].kind is ElementKind.CODE:
            before = self._elements.pop()
            self._elements.append(before._replace(text=f"{before.text}\n{raw}"))
        else:
            self._elements.append(element_builders.code(raw, self.page))

    def _title_level(self, node: Any, names: list[str]) -> int:
        """Return the level of a heading, or 0. The style for the title of all is above the others."""
        if local_name(node) == "h":
            return int(attribute(node, "outline-level") or 1)
        return int("Title" in names)

    def _element(self, text: str, level: int, names: list[str], *, is_item: bool) -> Element:
        if level:
            return element_builders.title(text, level, self.page)
        if is_item:
            return element_builders.item(text, self.page)
        kind = ElementKind.TEXT if set(_CAPTION_STYLES).isdisjoint(names) else ElementKind.CAPTION
        return Element(kind, text, self.page)

    def _is_hidden_paragraph(self, node: Any) -> bool:
        return any(attribute(mark, "is-hidden") == "true" for mark in descendants(node, "hidden-paragraph"))

    def _end_paragraph(self) -> None:
        following, self._following = self._following, []
        self._elements += following

    def _inline(self, node: Any) -> str:
        return "".join(self._pieces(node))

    def _pieces(self, node: Any) -> Iterator[str]:
        yield _collapsed(node.text)
        for part in node:
            if isinstance(part.tag, str):
                yield self._piece(part, local_name(part))
            yield _collapsed(part.tail)

    def _piece(self, node: Any, name: str) -> str:
        if name in ("s", "tab", "line-break"):
            count = attribute(node, "c")
            return {"tab": "\t", "line-break": "\n"}.get(name) or " " * min(int(count or 1), _MAX_SPACES)
        if name == "soft-page-break":
            return _PAGE_BREAK
        if name == "note":
            self._follow(ElementKind.NOTE, self._text_of(child(node, "note-body")))
        elif name == "annotation":
            self._comment(node)
        elif name in odf.SHAPES:
            return self._shape(node)
        elif name in _UNSEEN or (name == "hidden-text" and attribute(node, "is-hidden") == "true"):
            self.hidden += name == "hidden-text"
        elif self._styles.is_hidden("text", attribute(node, "style-name")):
            self.hidden += 1
        else:
            return self._raised(node, self._inline(node))
        return ""

    def _raised(self, node: Any, text: str) -> str:
        """Return figures above the line as such."""
        style = attribute(node, "style-name")
        is_figure = bool(text.strip()) and set(text.strip()) <= _RAISED
        if not is_figure or local_name(node) != "span":
            return text
        position = self._styles.value("text", style, "text-position")
        return text.translate(_SUPERSCRIPTS) if position.startswith(("super", *"123456789")) else text

    def _follow(self, kind: ElementKind, text: str) -> None:
        if text:
            self._following.append(Element(kind, text, self.page))

    def _comment(self, node: Any) -> None:
        author = next((one.text or "" for one in children(node, "creator")), "").strip()
        if text := self._text_of(children(node, "p", "list")):
            self._follow(
                ElementKind.COMMENT, f"Comment by {author}: {text}" if author else f"Comment: {text}"
            )

    def _apart(self, nodes: Iterable[Any]) -> list[Element]:
        """Return the elements of blocks that stand elsewhere than in the flow of the text."""
        outside, following = self._elements, self._following
        self._elements, self._following = [], []
        self._blocks(nodes)
        found = self._elements
        self._elements, self._following = outside, following
        return found

    def _shape(self, node: Any) -> str:
        """Read what is drawn, behind the paragraph. Return a formula, which stands in the line."""
        name = local_name(node)
        if name == "g":
            return "".join(map(self._shape, children(node, *odf.SHAPES)))
        if name != "frame":
            self._following += self._apart(node)
            return ""
        for box in children(node, "text-box"):
            self._following += self._apart(box)
        self._following += odf.chart_elements(self._document, node, self.page)
        self._embedded += (attribute(one, "href") for one in children(node, "object-ole"))
        if (
            child(node, "text-box") is None and child(node, "object") is None
        ):  # these have pictures of themselves besides
            for image in children(node, "image"):
                self._picture(attribute(image, "href"))
        return "".join(map(self._object, children(node, "object")))

    def _picture(self, name: str) -> None:
        data = self._document.data(name)
        found = self._pictures.read(data, self.page) if data else []
        if found is None:
            self.unread.append(posixpath.basename(name))
        self._following += found or ()

    def _object(self, node: Any) -> str:
        """Read an object that is a formula, a text or a sheet."""
        root = self._document.tree(posixpath.join(attribute(node, "href"), "content.xml"))
        source = root if len(root) else node
        if (formula := next(descendants(source, "math"), None)) is not None:
            return mathml.formula(formula)
        body = next(descendants(source, "body"), None)
        for inner in () if body is None else children(body, "text", "spreadsheet"):
            self._following += self._apart(inner)
        return ""

    def members(self, job: Job) -> list[Member]:
        """Return the files in objects of other programs."""
        folder = MemberFolder(job)
        for name in self._embedded:
            if found := ole_objects.unpack(self._document.data(name), posixpath.basename(name)):
                folder.add(*found)
        return folder.members

    def _table(self, node: Any) -> None:
        grid: dict[tuple[int, int], str] = {}
        rows = list(_rows(node))
        notes: list[Element] = []
        for number, row in enumerate(rows):
            column = 0
            for cell in children(row, "table-cell", "covered-table-cell"):
                repeated = min(odf.repeated(cell, "columns"), _MAX_COLUMNS)
                if local_name(cell) == "table-cell" and len(cell):
                    text = self._cell(cell, notes)
                    height, width = odf.spanned(cell, "rows"), max(odf.spanned(cell, "columns"), repeated)
                    for below in range(min(height, len(rows) - number)):
                        for beside in range(min(width, _MAX_COLUMNS)):
                            grid.setdefault((number + below, column + beside), text)
                column += repeated
        width = max((column for _, column in grid), default=-1) + 1
        seen = [number for number, row in enumerate(rows) if attribute(row, "visibility") != "collapse"]
        self.hidden += len(rows) - len(seen)
        texts = [[grid.get((number, column), "") for column in range(width)] for number in seen]
        named = sum(local_name(row.getparent()) == "table-header-rows" for row in rows)
        if any(map(any, texts)):
            names = named or count_header_rows(texts)
            self._elements += [element_builders.table(texts, self.page, header_rows=names), *notes]

    def _cell(self, cell: Any, notes: list[Element]) -> str:
        """Return a cell's text; its notes and comments follow the table. A table inside is one line of the cell."""
        texts = []
        for element in self._apart(cell):
            if element.kind in (ElementKind.NOTE, ElementKind.COMMENT):
                notes.append(element)
            elif element.kind is ElementKind.TABLE:
                texts.append(element.text.replace(" | ", ", ").replace("\n", "; "))
            else:
                texts.append(element.text)
        return "\n".join(texts)

    def _list(self, node: Any) -> None:
        """Read a list. It goes on with the numbers of an earlier one if it says so."""
        style = attribute(node, "style-name")
        goes_on = attribute(node, "continue-numbering") == "true"
        continued = attribute(node, "continue-list") or (style if goes_on else "a new one")
        counters = self._counters.get(continued) or Counters()
        self._counters[style] = self._counters[attribute(node, "id")] = counters
        self._items(node, style, 1, counters)

    def _items(self, node: Any, style: str, level: int, counters: Counters) -> None:
        for item in children(node, "list-header", "list-item"):
            label, is_first = "", local_name(item) == "list-item"
            for part in item:
                if local_name(part) == "list":
                    self._items(part, attribute(part, "style-name") or style, level + 1, counters)
                elif local_name(part) in ("p", "h"):
                    if is_first:
                        label = counters.label(self._styles, style, level, attribute(item, "start-value"))
                    self._paragraph(part, label if is_first else "", is_item=is_first)
                    is_first = False
                else:
                    self._block(part, local_name(part))


def _rows(node: Any) -> Iterator[Any]:
    """Yield the rows of a table, and of the groups in it."""
    for part in children(node, "table-row", *_ROW_GROUPS):
        if local_name(part) == "table-row":
            for _ in range(min(odf.repeated(part, "rows"), _MAX_COLUMNS) if len(part) else 0):
                yield part
        else:
            yield from _rows(part)


def _collapsed(text: str | None) -> str:
    return _SPACES.sub(" ", text) if text else ""
