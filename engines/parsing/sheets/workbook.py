"""Excel workbooks in the Open XML format, read as a stream, so that a long sheet takes little memory. (openpyxl takes eight
times as long, and neither it in its streams nor office-oxide tells which rows and columns are hidden.)"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from lxml import etree

from engines.parsing import Element, ElementKind, PageKind, ParsedDocument, ParseError
from engines.parsing.job import Job
from engines.parsing.office import embedded_files, package
from engines.parsing.office.office_package import (
    BROKEN_ZIP,
    XML_OPTIONS,
    Package,
    attribute,
    children,
    descendants,
    is_true,
    local_name,
    unescaped,
)
from engines.parsing.sheets import damaged_workbook, number_formats
from engines.parsing.sheets import drawings as sheet_drawings
from engines.parsing.sheets.tables import Sheet, areas, column_number, sheet_elements

_SHOWN_IN_FULL = 15  # digits
_PARTS_OF_A_SHEET = [f"{{*}}{name}" for name in ("row", "col", "mergeCell", "autoFilter", "headerFooter")]
# The codes of fonts and colours, and those that stand for the page's number, the date …
_FOOTER_CODE = re.compile(r'&(?:"[^"]*"|K[0-9A-F]{6}|K\d\d[+-]\d{3}|\d+|\[[^\]]*\]|[A-Z])', re.I)
_LETTER = re.compile(r"[^\W\d_]")
_MAX_COLUMNS = 16_384
_LAST_ROW = 1 << 20


class Book(Protocol):
    """`sheets` has the name, the state and the part of each."""

    sheets: list[tuple[str, str, str]]

    def read_sheet(self, name: str, number: int, part: str) -> Sheet: ...


def read(job: Job) -> ParsedDocument:
    return read_book(job, _Workbook)


def read_book(job: Job, make_book: Callable[[Package, int], Book]) -> ParsedDocument:
    """`make_book` gets the package and the number of characters that may be text."""
    package.check(job)
    try:
        parts = Package(job.path)
        return _read_sheets(job, parts, make_book(parts, job.limits.text_mb << 20))
    except (ParseError, MemoryError):
        raise
    except Exception as error:  # a broken file may have anything where a number is expected
        return damaged_workbook.read(job, error)


def _read_sheets(job: Job, parts: Package, book: Book) -> ParsedDocument:
    elements: list[Element] = []
    hidden, shown = 0, list[str]()
    for number, (name, state, part) in enumerate(book.sheets, 1):
        if state in ("hidden", "veryHidden"):
            hidden += 1
            continue
        found, hidden_in_sheet = sheet_elements(book.read_sheet(name, number, part))
        elements += found
        hidden += hidden_in_sheet
        shown.append(part)
    files, losses = embedded_files.members(job, parts, shown)
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(elements),
        members=files,
        metadata=package.read_properties(job)
        | {"page_count": len(book.sheets), "hidden_parts": hidden or None},
        page_kind=PageKind.SHEET,
        warnings=(*parts.warnings(), *losses),
    )


class _Workbook:
    def __init__(self, parts: Package, limit: int) -> None:
        self._parts, self._limit = parts, limit
        self._main = parts.main("xl/workbook.xml")
        root, relations = parts.tree(self._main), parts.relations(self._main)
        self.sheets = [
            (node.get("name") or "", node.get("state") or "", relations[attribute(node, "id")].target)
            for node in descendants(root, "sheet")
            if attribute(node, "id") in relations
        ]
        self._is_1904 = any(is_true(node.get("date1904")) for node in descendants(root, "workbookPr"))
        self._codes = self._read_codes()
        self._strings = list(self._read_strings())
        self._shared_formulas: dict[str | None, tuple[str, str]] = {}

    def _read_codes(self) -> list[str]:
        """Return the format code of each style of cells."""
        root = self._parts.tree(next(self._parts.targets(self._main, "styles"), ""))
        own = {node.get("numFmtId"): node.get("formatCode") or "" for node in descendants(root, "numFmt")}
        built_in = {str(number): code for number, code in number_formats.BUILT_IN.items()}
        codes = built_in | own
        styles = (xf for styles in descendants(root, "cellXfs") for xf in children(styles, "xf"))
        return [codes.get(xf.get("numFmtId"), number_formats.GENERAL) for xf in styles]

    def _read_strings(self) -> Iterator[str]:
        size = 0
        for part in self._parts.targets(self._main, "sharedStrings"):
            for node in self._stream(part, ["{*}si"]):
                text = _string_text(node)
                size += len(text)
                if size > self._limit:
                    raise ParseError("output_too_large", limit=self._limit >> 20)
                yield text

    def _stream(self, part: str, tags: list[str]) -> Iterator[Any]:
        """Yield the elements with these tags, each of which is forgotten afterwards."""
        try:
            with self._parts.open(part) as file:
                for _, node in etree.iterparse(file, events=("end",), tag=tags, **XML_OPTIONS):
                    yield node
                    node.clear()
                    while node.getprevious() is not None and node.getparent() is not None:
                        del node.getparent()[0]
        except (*BROKEN_ZIP, KeyError, etree.XMLSyntaxError):
            self._parts.unread.append(part)

    def read_sheet(self, name: str, number: int, part: str) -> Sheet:
        sheet = Sheet(name=name, number=number, limit=self._limit)
        at = -1
        for node in self._stream(part, _PARTS_OF_A_SHEET):
            match local_name(node):
                case "row":
                    at = int(node.get("r") or at + 2) - 1
                    self._read_row(sheet, node, at)
                case "col":
                    if is_true(node.get("hidden")) or node.get("width") == "0":
                        last = min(int(node.get("max")), _MAX_COLUMNS)
                        sheet.hidden_columns |= set(range(int(node.get("min")) - 1, last))
                case "mergeCell":
                    sheet.merged += areas(node.get("ref"))
                case "autoFilter":
                    _show_filtered(sheet, node)
                case "headerFooter":
                    sheet.remarks += ((_LAST_ROW, element) for element in _headers_and_footers(node, number))
        for table in self._parts.targets(part, "table"):
            for node in descendants(self._parts.tree(table), "autoFilter"):
                _show_filtered(sheet, node)
        sheet_drawings.add(self._parts, self._main, part, sheet)
        self._limit -= sheet.size
        return sheet

    def _read_row(self, sheet: Sheet, node: Any, number: int) -> None:
        if is_true(node.get("hidden")) or node.get("ht") == "0":
            sheet.hidden_rows.add(number)
        row: dict[int, str] = {}
        column = -1
        for cell in node:
            reference = cell.get("r")
            column = column_number(reference.rstrip("0123456789")) if reference else column + 1
            if text := self._cell_text(cell):
                row[column] = text
        sheet.add_row(number, row)

    def _cell_text(self, cell: Any) -> str:
        kind = cell.get("t", "n")
        value, formula = "", None
        for node in cell:
            match local_name(node):
                case "v":
                    value = node.text or ""
                case "f":
                    formula = node
                case "is":
                    value = _string_text(node)
        if not value and formula is not None and kind != "str":
            return self._formula_text(formula, cell.get("r") or "")
        match kind:
            case "s":
                return (
                    self._strings[int(value)] if value.isdigit() and int(value) < len(self._strings) else ""
                )
            case "b":
                return "TRUE" if value == "1" else "FALSE" if value else ""
            case "n":
                return self._number_text(value, cell.get("s") or "0")
            case "d":
                return value.removesuffix("T00:00:00").replace("T", " ")
        return unescaped(value)

    def _number_text(self, value: str, style: str) -> str:
        code = self._codes[int(style)] if int(style) < len(self._codes) else number_formats.GENERAL
        if code == number_formats.GENERAL and value.isdigit() and len(value) <= _SHOWN_IN_FULL:
            return value
        try:
            return number_formats.shown(float(value), code, self._is_1904)
        except ValueError:
            return value

    def _formula_text(self, node: Any, reference: str) -> str:
        """Return the formula, as there is no result. Formulas may be stored once, for many cells."""
        formula, number = node.text or "", node.get("si")
        if formula and number:
            self._shared_formulas[number] = formula, reference
        elif number in self._shared_formulas:
            from openpyxl.formula.translate import Translator  # takes a while, and such files are rare

            first, origin = self._shared_formulas[number]
            formula = str(Translator(f"={first}", origin).translate_formula(reference))[1:]
        return f"={formula}" if formula else ""


def _string_text(node: Any) -> str:
    """The text without phonetic guides."""
    texts = (text.text or "" for text in descendants(node, "t") if local_name(text.getparent()) != "rPh")
    return unescaped("".join(texts)).strip()


def _show_filtered(sheet: Sheet, node: Any) -> None:
    """A filter hides rows that people do mean."""
    if next(children(node, "filterColumn"), None) is not None:
        for area in areas(node.get("ref")):
            sheet.hidden_rows -= {row for row in sheet.hidden_rows if area.top <= row <= area.bottom}


def _headers_and_footers(node: Any, page: int) -> Iterator[Element]:
    for child in node:
        text = " ".join(
            _FOOTER_CODE.sub(" ", (child.text or "").replace("&&", "\0")).replace("\0", "&").split()
        )
        if _LETTER.search(text):
            yield Element(
                ElementKind.HEADER if local_name(child).endswith("Header") else ElementKind.FOOTER, text, page
            )
