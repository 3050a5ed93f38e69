"""Excel workbooks in the binary format (xlsb), whose parts are records instead of XML. (python-calamine reads them, too, but
not how numbers are shown and what is hidden, and it gives up on some.)"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from engines.parsing import ParsedDocument, ParseError
from engines.parsing.job import Job
from engines.parsing.office.office_package import Package
from engines.parsing.sheets import drawings as sheet_drawings
from engines.parsing.sheets import number_formats, workbook
from engines.parsing.sheets.tables import Area, Sheet

# The kinds of records.
_ROW, _PACKED_NUMBER, _SHARED_STRING, _FLOATS, _BOOLS, _STRINGS, _ERROR_VALUES = (
    0,
    2,
    7,
    (5, 9),
    (4, 10),
    (6, 8),
    (3, 11),
)
_LAST_CELL = 11
_STRING_ITEM, _FORMAT, _STYLE, _COLUMNS, _SHEET, _MERGED = 19, 44, 47, 60, 156, 176
_WORKBOOK_FACTS, _STYLES_START, _STYLES_END = 153, 617, 618
_COMMENT_AUTHOR, _COMMENT, _COMMENT_TEXT = 632, 635, 637
_HIDDEN_ROW = 0x10
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}


def read(job: Job) -> ParsedDocument:
    return workbook.read_book(job, _BinaryWorkbook)


class _BinaryWorkbook:
    """The same as `workbook.Workbook`."""

    def __init__(self, parts: Package, limit: int) -> None:
        self._parts, self._limit = parts, limit
        self._main = parts.main("xl/workbook.bin")
        relations = parts.relations(self._main)
        self._is_1904 = False
        self.sheets: list[tuple[str, str, str]] = []
        for kind, data in _records(parts.data(self._main)):
            if kind == _WORKBOOK_FACTS:
                self._is_1904 = bool(data[0] & 1)
            elif kind == _SHEET:
                relation, end = _string(data, 8)
                target = relations[relation].target if relation in relations else ""
                state = ("", "hidden", "veryHidden")[min(struct.unpack_from("<I", data)[0], 2)]
                self.sheets.append((_string(data, end)[0], state, target))
        self._strings = [
            _string(data, 1)[0].strip()
            for part in parts.targets(self._main, "sharedStrings")
            for kind, data in _records(parts.data(part))
            if kind == _STRING_ITEM
        ]
        self._codes = self._read_codes()

    def _read_codes(self) -> list[str]:
        codes, styles, is_style = dict(number_formats.BUILT_IN), list[str](), False
        for kind, data in _records(self._parts.data(next(self._parts.targets(self._main, "styles"), ""))):
            if kind == _FORMAT:
                codes[struct.unpack_from("<H", data)[0]] = _string(data, 2)[0]
            elif kind == _STYLE and is_style:
                styles.append(codes.get(struct.unpack_from("<H", data, 2)[0], number_formats.GENERAL))
            is_style = kind == _STYLES_START or (is_style and kind != _STYLES_END)
        return styles

    def read_sheet(self, name: str, number: int, part: str) -> Sheet:
        sheet = Sheet(name=name, number=number, limit=self._limit)
        at, row = 0, dict[int, str]()
        for kind, data in _records(self._parts.data(part)):
            if kind == _ROW:
                sheet.add_row(at, row)
                at, row = struct.unpack_from("<I", data)[0], {}
                if data[11] & _HIDDEN_ROW:
                    sheet.hidden_rows.add(at)
            elif kind <= _LAST_CELL:
                if text := self._cell_text(kind, data):
                    row[struct.unpack_from("<I", data)[0]] = text
            elif kind == _COLUMNS and data[16] & 1:
                first, last = struct.unpack_from("<II", data)
                sheet.hidden_columns |= set(range(first, last + 1))
            elif kind == _MERGED:
                top, bottom, left, right = struct.unpack_from("<IIII", data)
                sheet.merged.append(Area(top, left, bottom, right))
        sheet.add_row(at, row)
        self._add_comments(sheet, part)
        sheet_drawings.add(self._parts, self._main, part, sheet)
        self._limit -= sheet.size
        return sheet

    def _cell_text(self, kind: int, data: bytes) -> str:
        if kind == _SHARED_STRING:
            at = struct.unpack_from("<I", data, 8)[0]
            return self._strings[at] if at < len(self._strings) else ""
        if kind in _STRINGS:
            return _string(data, 8)[0].strip()
        if kind in _BOOLS:
            return "TRUE" if data[8] else "FALSE"
        if kind in _ERROR_VALUES:
            return _ERRORS.get(data[8], "")
        if kind != _PACKED_NUMBER and kind not in _FLOATS:
            return ""
        value = _packed_number(data[8:12]) if kind == _PACKED_NUMBER else struct.unpack_from("<d", data, 8)[0]
        style = int.from_bytes(data[4:7], "little")
        code = self._codes[style] if style < len(self._codes) else number_formats.GENERAL
        return number_formats.shown(value, code, self._is_1904)

    def _add_comments(self, sheet: Sheet, part: str) -> None:
        authors: list[str] = []
        row = column = author = 0
        for comments in self._parts.targets(part, "comments"):
            for kind, data in _records(self._parts.data(comments)):
                if kind == _COMMENT_AUTHOR:
                    authors.append(_string(data, 0)[0])
                elif kind == _COMMENT:
                    author, row, _, column = struct.unpack_from("<IIII", data)
                elif kind == _COMMENT_TEXT:
                    name = authors[author] if author < len(authors) else ""
                    text = _string(data, 1)[0].removeprefix(f"{name}:").strip()
                    sheet.add_comment(row, column, text, name)


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the kind and the content of each record. Both numbers before it have seven bits a byte."""
    at = 0
    while at < len(data):
        kind, at = _number(data, at, 2)
        size, at = _number(data, at, 4)
        if at + size > len(data):
            raise ParseError("corrupt_file", type="Excel workbook")
        yield kind, data[at : at + size]
        at += size


def _number(data: bytes, at: int, most: int) -> tuple[int, int]:
    value = 0
    for place in range(most):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            break
    return value, at


def _string(data: bytes, at: int) -> tuple[str, int]:
    """Return the text, and where it ends."""
    length = struct.unpack_from("<I", data, at)[0] if at + 4 <= len(data) else 0
    end = at + 4 + 2 * (0 if length == 0xFFFFFFFF else length)
    return data[at + 4 : end].decode("utf-16-le", "replace"), end


def _packed_number(data: bytes) -> float:
    """Return a number of 30 bits: an integer, or the first bits of a float; hundredths if so marked."""
    bits = struct.unpack("<i", data)[0]
    value = (
        float(bits >> 2) if bits & 2 else struct.unpack("<d", b"\0\0\0\0" + struct.pack("<i", bits & ~3))[0]
    )
    return value / 100 if bits & 1 else value
