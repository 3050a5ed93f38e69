"""OpenDocument spreadsheets, read as a stream. Their cells hold the text that is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from engines.parsing import Element, PageKind, ParsedDocument, ParseError, element_builders, warnings
from engines.parsing.job import Job
from engines.parsing.office import odf
from engines.parsing.office.office_package import (
    BROKEN_ZIP,
    XML_OPTIONS,
    attribute,
    child,
    children,
    descendants,
    local_name,
)
from engines.parsing.sheets.tables import Area, Sheet, sheet_elements

_TAGS = [f"{{*}}{name}" for name in ("style", "table", "table-column", "table-row", "shapes")]
_REFERENCE = re.compile(r"\[\.?([^\]]*)\]")
_MAX_HIDDEN_ROWS = 100_000
_HIDDEN = "collapse"  # what a filter hides is "filter"; people do mean it


def read(job: Job) -> ParsedDocument:
    document = odf.OpenDocument(job)
    reader = _Reader(document, job.limits.text_mb << 20)
    losses = []
    try:
        reader.read()
    except (etree.XMLSyntaxError, *BROKEN_ZIP) as error:
        losses.append(warnings.warning("damaged", reason=str(error)))
    except KeyError as error:
        raise ParseError("corrupt_file", type="OpenDocument spreadsheet") from error
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(reader.elements),
        metadata=document.properties | {"page_count": reader.sheets, "hidden_parts": reader.hidden or None},
        page_kind=PageKind.SHEET,
        warnings=tuple(losses),
    )


class _Reader:
    def __init__(self, document: odf.OpenDocument, limit: int) -> None:
        self._document, self._limit = document, limit
        self._hidden_styles: set[str] = set()
        self._row = self._column = 0
        self.elements: list[Element] = []
        self.sheets = self.hidden = 0

    def read(self) -> None:
        sheet: Sheet | None = None
        depth = 0  # of tables: there may be some inside of cells
        with self._document.content() as file:
            for event, node in etree.iterparse(file, events=("start", "end"), tag=_TAGS, **XML_OPTIONS):
                name = local_name(node)
                depth += (name == "table" and event == "start") - (name == "table" and event == "end")
                if name == "table" and event == "start" and depth == 1:
                    sheet = self._begin(node)
                elif name == "table" and depth == 0 and sheet:
                    self._end(node, sheet)
                elif event == "end" and name == "style":
                    self._note_style(node)
                elif event == "end" and depth == 1 and sheet:
                    self._read_part(name, node, sheet)

    def _note_style(self, node: Any) -> None:
        if any(attribute(part, "display") == "false" for part in children(node, "table-properties")):
            self._hidden_styles.add(attribute(node, "name"))

    def _begin(self, node: Any) -> Sheet:
        self.sheets += 1
        self._row = self._column = 0
        return Sheet(name=attribute(node, "name"), number=self.sheets, limit=self._limit)

    def _end(self, node: Any, sheet: Sheet) -> None:
        if attribute(node, "style-name") in self._hidden_styles or attribute(node, "display") == "false":
            self.hidden += 1
        else:
            self._limit -= sheet.size
            found, hidden = sheet_elements(sheet)
            self.elements += found
            self.hidden += hidden
        node.clear()

    def _read_part(self, name: str, node: Any, sheet: Sheet) -> None:
        match name:
            case "table-column":
                count = odf.repeated(node, "columns")
                if attribute(node, "visibility") == _HIDDEN:
                    sheet.hidden_columns |= set(range(self._column, self._column + count))
                self._column += count
            case "table-row":
                self._read_row(node, sheet)
                node.clear()
                while node.getprevious() is not None:
                    del node.getparent()[0]
            case "shapes":
                sheet.remarks += ((0, element) for element in self._drawn(node, sheet.number))

    def _read_row(self, node: Any, sheet: Sheet) -> None:
        count, row, column = odf.repeated(node, "rows"), dict[int, str](), 0
        is_hidden = attribute(node, "visibility") == _HIDDEN
        for cell in children(node, "table-cell", "covered-table-cell"):
            columns = odf.repeated(cell, "columns")
            if len(cell) or cell.attrib:
                if text := _cell_text(cell):
                    row |= dict.fromkeys(range(column, column + columns), text)
                self._read_extras(cell, column, sheet)
            column += columns
        for number in range(self._row, self._row + count) if row else ():
            sheet.add_row(number, dict(row))
            if is_hidden:
                sheet.hidden_rows.add(number)
        if is_hidden and not row and count < _MAX_HIDDEN_ROWS:
            sheet.hidden_rows |= set(range(self._row, self._row + count))
        self._row += count

    def _read_extras(self, cell: Any, column: int, sheet: Sheet) -> None:
        below, beside = odf.spanned(cell, "rows") - 1, odf.spanned(cell, "columns") - 1
        if below or beside:
            sheet.merged.append(Area(self._row, column, self._row + below, column + beside))
        for note in children(cell, "annotation"):
            author = next((node.text or "" for node in children(note, "creator")), "")
            sheet.add_comment(self._row, column, " ".join(odf.paragraphs(note)), author)
        sheet.remarks += ((self._row, element) for element in self._drawn(cell, sheet.number))

    def _drawn(self, node: Any, page: int) -> Iterator[Element]:
        for shape in children(node, *odf.SHAPES):
            yield from (element_builders.paragraph(text, page) for text in odf.paragraphs(shape))
            for frame in descendants(shape, "frame"):
                yield from odf.chart_elements(self._document, frame, page)


def _cell_text(cell: Any) -> str:
    """Return the text, or else the value, or the formula if there is none."""
    text = " ".join(text for part in children(cell, "p", "h", "list") for text in odf.paragraphs([part]))
    if text:
        return text
    value = attribute(cell, "value") or attribute(cell, "date-value") or attribute(cell, "string-value")
    formula = attribute(cell, "formula").partition(":=")[2]
    return value or (f"={_REFERENCE.sub(_reference, formula)}" if formula and not child(cell, "p") else "")


def _reference(match: re.Match[str]) -> str:
    return match[1].replace(":.", ":")
