"""Sheets of Excel and OpenDocument: what is shown, under its column."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment

from engines.parsing import ElementKind, PageKind, ParsedDocument
from engines.parsing.office.ole_writer import written
from tests.engines.reading import Read, outline, zipped

OFFICE = "http://schemas.openxmlformats.org"


def workbook(fill: Callable[[Any], None]) -> bytes:
    book, out = Workbook(), io.BytesIO()
    book.active.title = "Sheet"
    fill(book.active)
    book.save(out)
    return out.getvalue()


def changed(data: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return zipped({name: change(name, archive.read(name)) for name in archive.namelist()})


def tables(document: ParsedDocument) -> list[str]:
    return [element.text for element in document.elements if element.kind is ElementKind.TABLE]


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (0.1275, "0.0%", "12.8%"),
        (1234567.891, '#,##0.00 "€"', "1,234,567.89 €"),
        (1234.5, "[$$-409]#,##0.00", "$1,234.50"),
        (1250000.5, '#,##0.00 "CHF"', "1,250,000.50 CHF"),
        (1250000.5, "[$SFr.-807] #,##0.00", "SFr. 1,250,000.50"),
        (0.00070023, "mm:ss.0", "01:00.5"),
        (42, "000000", "000042"),
        (5551234567, "000-000-0000", "555-123-4567"),
        (45356, "dd.mm.yyyy", "05.03.2024"),
        (45597, "mmmm yyyy", "November 2024"),
        (45356.5, "m/d/yyyy h:mm AM/PM", "3/5/2024 12:00 PM"),
        (0.3125, "hh:mm", "07:30"),
        (1.5, "[h]:mm", "36:00"),
        (-5, "0.00;[Red](0.00)", "(5.00)"),
        (0, '#,##0_-;-#,##0_-;"-"??_-', "-"),
        (150, '[>=100]"high";[<10]"low";"mid"', "high"),
        (12345678, '0.0,,"M"', "12.3M"),
        (12345, "0.00E+00", "1.23E+04"),
        (1.25, "# ??/??", "1 1/4"),
        (12.5, "#\\ ?/?", "12 1/2"),
        (2.25, "# ?/8", "2 2/8"),
        (2.5, "0", "3"),
        (0.0802990325417766, "General", "0.08029903254"),
        (4912345678901, "General", "4912345678901"),
        (5, ";;;", ""),
    ],
)
def test_numbers_read_as_they_are_shown(value: float, code: str, shown: str) -> None:
    from engines.parsing.sheets import number_formats

    assert number_formats.shown(float(value), code) == shown


def test_cells_of_a_workbook_have_their_formats(read: Read) -> None:
    def fill(sheet: Any) -> None:
        sheet.append(["What", "Value"])
        sheet.append(["Margin", 0.1275])
        sheet.append(["Sum", "=A1*B2"])
        sheet["B2"].number_format = "0.0%"

    document = read("a.xlsx", workbook(fill))
    assert tables(document) == ["What | Value\nMargin | 12.8%\nSum | =A1*B2"]
    assert document.elements[1].header_rows == 1
    assert document.page_kind is PageKind.SHEET


def test_merged_cells_stand_in_all_that_they_cover(read: Read) -> None:
    def fill(sheet: Any) -> None:
        for row in (
            ["Costs of all years", None, None, None],
            ["City", 2023, None, 2024],
            [None, "plan", "real", "plan"],
            ["Aachen", 1, 2, 3],
            [None, 4, 5, 6],
        ):
            sheet.append(row)
        for area in ("A1:D1", "A2:A3", "B2:C2", "A4:A5"):
            sheet.merge_cells(area)

    title, caption, table = read("a.xlsx", workbook(fill)).elements
    assert (title.text, caption.text) == ("Sheet", "Costs of all years")
    assert table.text.split("\n") == [
        "City | 2023 | 2023 | 2024",
        "City | plan | real | plan",
        "Aachen | 1 | 2 | 3",
        "Aachen | 4 | 5 | 6",
    ]
    assert table.header_rows == 2


def test_what_is_hidden_is_left_out_and_counted(read: Read) -> None:
    def fill(sheet: Any) -> None:
        for row in (["Item", "Cost", "Price"], ["Chair", 41, 80], ["Secret", 1, 2], ["Desk", 103, 220]):
            sheet.append(row)
        sheet.row_dimensions[3].hidden = True
        sheet.column_dimensions["B"].hidden = True
        sheet.parent.create_sheet("Inside").append(["Markup", 1.93])
        sheet.parent.create_sheet("Last").append(["Seen", "on sheet 3"])
        sheet.parent["Inside"].sheet_state = "veryHidden"

    document = read("a.xlsx", workbook(fill))
    assert [(element.text, element.page) for element in document.elements] == [
        ("Sheet", 1),
        ("Item | Price\nChair | 80\nDesk | 220", 1),
        ("Last", 3),
        ("Seen | on sheet 3", 3),
    ]
    assert document.metadata["hidden_parts"] == 3
    assert document.metadata["page_count"] == 3


def test_no_sheet_has_more_columns_than_there_are(read: Read) -> None:
    def fill(sheet: Any) -> None:
        sheet.append(["Item", "Price", "Cost"])
        sheet.column_dimensions["C"].hidden = True

    source = changed(workbook(fill), lambda _, data: data.replace(b'max="3"', b'max="2000000000"'))
    assert tables(read("a.xlsx", source)) == ["Item | Price"]


def test_repeated_cells_end_with_their_sheet(read: Read) -> None:
    cell = (
        '<table:table-cell table:number-columns-repeated="2000000000"><text:p>x</text:p></table:table-cell>'
    )
    content = OPEN_DOCUMENT.format(
        flat=f' office:mimetype="{ODS}"', tables=f"<table:table>{row(cell)}</table:table>"
    )
    (table,) = tables(read("a.ods", content.encode()))
    assert table.count("x") == 16_384


def test_rows_of_a_collapsed_group_are_left_out_as_excel_shows_them(read: Read) -> None:
    def fill(sheet: Any) -> None:
        for row in (["Month", "Sum"], ["March", 7], ["April", 9], ["Open", 3], ["Total", 19]):
            sheet.append(row)
        sheet.row_dimensions.group(2, 3, hidden=True)
        sheet.row_dimensions.group(4, 4, hidden=False)

    document = read("a.xlsx", workbook(fill))
    assert tables(document) == ["Month | Sum\nOpen | 3\nTotal | 19"]
    assert document.metadata["hidden_parts"] == 2


def test_rows_that_a_filter_hides_are_kept(read: Read) -> None:
    def fill(sheet: Any) -> None:
        for row in (["Item", "Price"], ["Chair", 80], ["Desk", 220]):
            sheet.append(row)
        sheet.auto_filter.ref = "A1:B3"
        sheet.auto_filter.add_filter_column(0, ["Chair"])
        sheet.row_dimensions[3].hidden = True

    assert tables(read("a.xlsx", workbook(fill))) == ["Item | Price\nChair | 80\nDesk | 220"]


def test_comments_and_charts_follow_their_tables(read: Read) -> None:
    def fill(sheet: Any) -> None:
        for row in (["Month", "Tonnes"], ["May", 7], ["June", 9], [], [], ["Other", "table"]):
            sheet.append(row)
        sheet["A2"].comment = Comment("Was wet.", "Ada")
        chart = BarChart()
        chart.title = "Harvest"
        chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=3), titles_from_data=True)
        sheet.add_chart(chart, "A3")

    assert outline(read("a.xlsx", workbook(fill)))[1:] == [
        ("table", "Month | Tonnes\nMay | 7\nJune | 9"),
        ("comment", "Comment by Ada on A2: Was wet."),
        ("caption", "Harvest"),
        ("table", "Other | table"),
    ]


@pytest.mark.parametrize("flavour", ["macros", "template", "strict"])
def test_all_flavours_of_workbooks_are_read(read: Read, flavour: str) -> None:
    def change(name: str, data: bytes) -> bytes:
        if flavour == "strict":
            data = data.replace(
                f"{OFFICE}/spreadsheetml/2006/main".encode(), b"http://purl.oclc.org/ooxml/spreadsheetml/main"
            )
            return data.replace(
                f"{OFFICE}/officeDocument/2006".encode(), b"http://purl.oclc.org/ooxml/officeDocument"
            )
        kind = {
            "macros": b"ms-excel.sheet.macroEnabled",
            "template": b"openxmlformats-officedocument.spreadsheetml.template",
        }
        return data.replace(
            b"openxmlformats-officedocument.spreadsheetml.sheet.main", kind[flavour] + b".main"
        )

    data = changed(workbook(lambda sheet: sheet.append(["Anchor", "steel"])), change)
    assert tables(read("a", data)) == ["Anchor | steel"]


def test_sparse_sheets_waste_no_text(read: Read) -> None:
    def fill(sheet: Any) -> None:
        sheet["C4"], sheet["D4"], sheet["G4"] = "Name", "Size", "Weight"
        sheet["C5"], sheet["D5"], sheet["G5"] = "Rope", 3, 4
        sheet["XFD1048576"] = "The end"

    assert outline(read("a.xlsx", workbook(fill)))[1:] == [
        ("table", "Name | Size | | Weight\nRope | 3 | | 4"),
        ("text", "The end"),
    ]


def test_shared_formulas_without_results_are_told_for_each_cell(read: Read) -> None:
    cells = '<c r="A1"><v>1</v></c><c r="B1"><f t="shared" si="0" ref="B1:B2">A1*2</f></c>'
    more = '<c r="A2"><v>2</v></c><c r="B2"><f t="shared" si="0"/></c>'

    def change(name: str, data: bytes) -> bytes:
        rows = f'<sheetData><row r="1">{cells}</row><row r="2">{more}</row></sheetData>'.encode()
        return data.replace(b"<sheetData />", rows).replace(b"<sheetData></sheetData>", rows)

    assert tables(read("a.xlsx", changed(workbook(lambda sheet: None), change))) == ["1 | =A1*2\n2 | =A2*2"]


def record(kind: int, data: bytes = b"") -> bytes:
    number = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    return number + bytes([len(data)]) + data


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def test_binary_workbooks_are_read(read: Read) -> None:
    def row(number: int, *cells: bytes, hidden: bool = False) -> bytes:
        facts = struct.pack("<IIHBBB", number, 0, 300, 0, 0x10 if hidden else 0, 0)
        return record(0, facts + struct.pack("<I", 0)) + b"".join(cells)

    def number(column: int, value: float) -> bytes:
        return record(5, struct.pack("<IId", column, 1, value))

    def text(column: int, value: str) -> bytes:
        return record(6, struct.pack("<II", column, 0) + wide(value))

    sheet = row(0, text(0, "Item"), text(1, "Share")) + row(1, text(0, "Oak"), number(1, 0.125))
    sheet += row(2, text(0, "Unseen"), hidden=True)
    styles = record(44, struct.pack("<H", 164) + wide("0.0%")) + record(617) + record(47, bytes(16))
    styles += record(47, struct.pack("<HH", 0, 164) + bytes(12)) + record(618)
    relation = f'<Relationship Id="%s" Type="{OFFICE}/officeDocument/2006/relationships/%s" Target="%s"/>'
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": f"<R>{relation % ('r', 'officeDocument', 'xl/workbook.bin')}</R>",
        "xl/workbook.bin": record(156, struct.pack("<II", 0, 1) + wide("r1") + wide("Wood")),
        "xl/_rels/workbook.bin.rels": f"<R>{relation % ('r1', 'worksheet', 'worksheets/sheet1.bin')}"
        f"{relation % ('r2', 'styles', 'styles.bin')}</R>",
        "xl/worksheets/sheet1.bin": sheet,
        "xl/styles.bin": styles,
    }
    document = read("a.xlsb", zipped(parts))
    assert outline(document) == [("title", "Wood"), ("table", "Item | Share\nOak | 12.5%")]
    assert document.metadata["hidden_parts"] == 1


OPEN_DOCUMENT = (
    '<?xml version="1.0"?><office:document{flat} xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    ' xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"><office:automatic-styles><style:style'
    ' style:name="h"><style:table-properties table:display="false"/></style:style></office:automatic-styles>'
    "<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document>"
)
ODS = "application/vnd.oasis.opendocument.spreadsheet"


def row(*cells: str, **attributes: str) -> str:
    facts = "".join(f' table:{name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    inner = "".join(
        cell if cell.startswith("<") else f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>"
        for cell in cells
    )
    return f"<table:table-row{facts}>{inner}</table:table-row>"


@pytest.mark.parametrize("is_flat", [False, True])
def test_open_document_sheets_are_read(read: Read, is_flat: bool) -> None:
    empty = '<table:table-cell table:number-columns-repeated="1000"/>'
    remark = "<office:annotation><dc:creator>Bo</dc:creator><text:p>Dear!</text:p></office:annotation>"
    tables = (
        '<table:table table:name="Tools"><table:table-column/><table:table-column table:visibility="collapse"/>'
        + row("Tool", "Cost", "Shelf", empty)
        + row(
            '<table:table-cell table:number-rows-spanned="2"><text:p>Saw</text:p></table:table-cell>',
            "3",
            "B4",
        )
        + row(
            "<table:covered-table-cell/>",
            "4",
            f"<table:table-cell>{remark}<text:p>B5</text:p></table:table-cell>",
        )
        + row("Gone", "5", "B6", visibility="collapse")
        + row("Sum", "", '<table:table-cell table:formula="of:=SUM([.C1:.C2])"/>', visibility="filter")
        + row(empty, number_rows_repeated="1048000")
        + '</table:table><table:table table:name="Inside" table:style-name="h">'
        + row("secret")
        + "</table:table>"
    )
    content = OPEN_DOCUMENT.format(flat=f' office:mimetype="{ODS}"' if is_flat else "", tables=tables)
    document = (
        read("a.fods", content.encode())
        if is_flat
        else read("a.ods", zipped({"mimetype": ODS, "content.xml": content}))
    )
    assert outline(document) == [
        ("title", "Tools"),
        ("table", "Tool | Shelf\nSaw | B4\nSaw | B5\nSum | =SUM(C1:C2)"),
        ("comment", "Comment by Bo on C3: Dear!"),
    ]
    assert document.metadata["hidden_parts"] == 3


def test_workbooks_with_errors_are_read_otherwise(read: Read) -> None:
    def fill(sheet: Any) -> None:
        sheet.append(["Anchor", "steel"])
        sheet["A1"].comment = Comment("Which?", "Ada")

    data = changed(workbook(fill), lambda name, part: part.replace(b'authorId="0"', b'authorId="Ada"'))
    document = read("a.xlsx", data)
    assert tables(document) == ["Anchor | steel"]
    assert [warning.code for warning in document.warnings] == ["damaged"]


def old_record(kind: int, form: str = "", *numbers: int, rest: bytes = b"") -> bytes:
    data = struct.pack(f"<{form}", *numbers) + rest
    return struct.pack("<HH", kind, len(data)) + data


def test_boxes_and_charts_of_old_workbooks_are_read(read: Read) -> None:
    begin, end = old_record(0x809, "HHHHII", 0x600, 0x10, 0, 1997, 0, 6), old_record(0x0A)
    box = old_record(0x5D, "HHHH", 0x15, 0x12, 6, 1, rest=bytes(14)) + old_record(
        0x1B6, "HHHHHHHH", *[0] * 5, 9, 0, 0
    )
    box += old_record(0x3C, rest=b"\0Wet ") + old_record(0x3C, rest=b"\1" + "years".encode("utf-16-le"))
    chart = old_record(0x100D, "HBB", 0, 7, 0, rest=b"Harvest")
    parts = {
        "Notes": (0, begin + box + end),
        "Picture": (2, begin + chart + end),
        "Inside": (0, begin + box + end),
    }
    start = old_record(0x809, "HHHHII", 0x600, 5, 0, 1997, 0, 6) + old_record(0x42, "H", 1200)
    size = len(start + end) + sum(
        len(old_record(0x85, "IBBBB", *[0] * 5, rest=name.encode())) for name in parts
    )
    for name, (kind, _) in parts.items():
        at = size + sum(
            len(part)
            for other, (_, part) in parts.items()
            if list(parts).index(other) < list(parts).index(name)
        )
        start += old_record(0x85, "IBBBB", at, int(name == "Inside"), kind, len(name), 0, rest=name.encode())
    book = start + end + b"".join(part for _, part in parts.values())
    package = {("MBD1", "Package"): zipped({"xl/workbook.xml": b"x"}), ("Workbook",): book}
    document = read("a.xls", written(package))
    assert [(str(e.kind), e.text, e.page) for e in document.elements] == [
        ("title", "Notes", 1),
        ("text", "Wet years", 1),
        ("title", "Picture", 2),
        ("caption", "Harvest", 2),
    ]
    assert document.metadata["hidden_parts"] == 1
    # The file does not say on which sheet a file is: it may be the hidden one.
    assert document.members == ()
    assert [warning.code for warning in document.warnings] == ["unread_members"]
