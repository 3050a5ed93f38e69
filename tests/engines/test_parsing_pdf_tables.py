"""Tables of PDFs, with lines around their cells and without."""

from __future__ import annotations

from engines.parsing import ElementKind
from tests.engines.reading import Read, drawn, grid, outline, pdf_pages, rows_of_cells, texts


def test_cells_keep_their_columns(read: Read) -> None:
    rows = ("Plan", "Seats", "Storage", "Price"), ("Basic", "5", "", "40"), ("Team", "25", "200 GB", "150")
    document = read("table", pdf_pages(drawn(40, 340, "Tariffs", 16) + rows_of_cells(*rows)))
    table = document.elements[-1]
    assert (table.kind, table.header_rows) == (ElementKind.TABLE, 1)
    assert table.text == "Plan | Seats | Storage | Price\nBasic | 5 | | 40\nTeam | 25 | 200 GB | 150"


def test_wrapped_and_merged_cells_of_a_ruled_table(read: Read) -> None:
    words = (
        drawn(45, 285, "City", font="B")
        + drawn(125, 285, "Fault", font="B")
        + drawn(225, 285, "Remedy", font="B")
        + drawn(45, 265, "Aachen")
        + drawn(125, 265, "Motor hums but")
        + drawn(225, 265, "Replace C3")
        + drawn(125, 253, "does not turn")
        + drawn(125, 235, "Shaft leaks")
        + drawn(225, 235, "Fit seal kit")
    )
    lines = grid([40, 120, 220, 320], [300, 280, 250 - 5, 225])
    merged = lines.replace(b"40 245 m 320 245 l", b"120 245 m 320 245 l")
    document = read("ruled", pdf_pages(merged + words))
    assert [(element.text, element.header_rows) for element in document.elements] == [
        (
            "City | Fault | Remedy\nAachen | Motor hums but does not turn | Replace C3\nAachen | Shaft leaks | Fit seal kit",
            1,
        )
    ]


def test_labels_keep_their_values(read: Read) -> None:
    rows = ("Policy number", "LV-88-2041"), ("Holder", "Werft Hansen"), ("Excess", "1,500 EUR")
    labels = b"".join(drawn(40, 300 - 18 * at, label) for at, (label, _) in enumerate(rows))
    values = b"".join(drawn(240, 300 - 18 * at, value) for at, (_, value) in enumerate(rows))
    assert texts(read("labels", pdf_pages(labels + values))).split("\n") == [
        "Policy number: LV-88-2041;",
        "Holder: Werft Hansen;",
        "Excess: 1,500 EUR",
    ]


def test_bold_row_of_a_table_is_no_title(read: Read) -> None:
    header = b"".join(
        drawn(40 + 80 * at, 318, text, font="B") for at, text in enumerate(("Name", "Count", "Place"))
    )
    content = header + rows_of_cells(("Bolt", "4", "A1"), ("Nut", "9", "B2"), ("Washer", "7", "C3"))
    document = read("bold", pdf_pages(drawn(40, 360, "A list of what is in stock, as of today.") + content))
    assert [str(element.kind) for element in document.elements] == ["text", "table"]
    assert document.elements[1].header_rows == 1


def test_title_above_a_table(read: Read) -> None:
    content = drawn(40, 350, "Rooms of the centre", 14)
    content += rows_of_cells(("Room", "Seats", "Fee"), ("Elm", "12", "40"), ("Oak", "30", "85"))
    assert [kind for kind, _ in outline(read("rooms", pdf_pages(content)))] == ["title", "table"]


def test_columns_of_a_table_that_are_drawn_one_by_one(read: Read) -> None:
    rows = (
        ("Part", "Count", "Price"),
        ("Crane hire", "3", "1,200.00"),
        ("Fuel", "1", "85.40"),
        ("Oil", "2", "9.00"),
    )
    content = b"".join(
        drawn(40 + 100 * column, 300 - 16 * at, row[column])
        for column in range(3)
        for at, row in enumerate(rows)
    )
    assert texts(read("invoice", pdf_pages(content))).split("\n") == [" | ".join(row) for row in rows]


def test_columns_within_the_lines_of_a_table(read: Read) -> None:
    """Lines stand around groups of columns only, and below the header and the last row."""
    names = rows_of_cells(
        ("", "Cows", "", "Goats", ""), ("Farm", "old", "young", "old", "young"), top=286, pitch=12
    )
    cells = rows_of_cells(
        ("Aldhof", "120", "31", "14", "2"),
        ("Brook", "98", "40", "6", "5"),
        ("Cliff", "77", "12", "20", "9"),
        top=250,
        width=80,
    )
    lines = grid([38, 115, 275, 430], [300, 268, 205])
    document = read("groups", pdf_pages(lines + names + cells, page=b"/MediaBox[0 0 500 400]"))
    assert texts(document).split("\n")[-3:] == [
        "Aldhof | 120 | 31 | 14 | 2",
        "Brook | 98 | 40 | 6 | 5",
        "Cliff | 77 | 12 | 20 | 9",
    ]


def test_double_lines_are_one(read: Read) -> None:
    columns, rows = [38, 118, 198, 278], [300, 280, 260, 240]
    lines = grid(columns, rows) + grid([x + 4 for x in columns], [y - 4 for y in rows])
    words = rows_of_cells(
        ("Pier", "Ships", "Crew"), ("North", "12", "40"), ("South", "7", "22"), top=286, pitch=20
    )
    assert texts(read("double", pdf_pages(lines + words))).split("\n") == [
        "Pier | Ships | Crew",
        "North | 12 | 40",
        "South | 7 | 22",
    ]


def test_shaded_lines_of_text_divide_no_cell(read: Read) -> None:
    """Word processors fill a cell, and again each of its lines."""
    area = b"0.9 g 40 250 80 40 re f 44 270 70 15 re f 44 255 70 15 re f 0 g\n"
    words = drawn(45, 274, "Terms of") + drawn(45, 259, "delivery") + drawn(125, 266, "free at quay")
    more = rows_of_cells(("Payment", "30 days"), ("Currency", "Euro"), top=236, width=85, pitch=20)
    document = read("shaded", pdf_pages(area + grid([40, 120, 220], [290, 250, 230, 210]) + words + more))
    assert texts(document).split("\n") == [
        "Terms of delivery: free at quay;",
        "Payment: 30 days;",
        "Currency: Euro",
    ]


def test_rows_without_lines_between_shaded_rows(read: Read) -> None:
    shaded = b"".join(
        b"0.8 g %d %d 80 20 re f 0 g\n" % (x, y) for x in (38, 118, 198) for y in (280, 240, 200)
    )
    rows = (
        ("Pier", "Ships", "Crew"),
        ("North", "12", "40"),
        ("South", "7", "22"),
        ("East", "3", "9"),
        ("West", "5", "14"),
    )
    document = read(
        "zebra", pdf_pages(shaded + grid([38, 278], [300, 200]) + rows_of_cells(*rows, top=286, pitch=20))
    )
    assert texts(document).split("\n") == [" | ".join(row) for row in rows]


def test_numbers_of_different_width_keep_their_columns(read: Read) -> None:
    """The widest number of a column begins left of where the one before it ends in other rows."""
    rows = (
        ("345", "15.5", "5"),
        ("806", "60.9", "12"),
        ("1,512", "199.2", "22"),
        ("12,345,694", "2.2", "42"),
        ("3", "2,739.1", "9"),
    )
    content = b"".join(
        drawn(40, 300 - 14 * at, "abcde"[at])
        + b"".join(
            drawn(right - 5.3 * len(text), 300 - 14 * at, text)
            for right, text in zip((110, 158, 200), row, strict=True)
        )
        for at, row in enumerate(rows)
    )
    assert texts(read("numbers", pdf_pages(content))).split("\n") == [
        " | ".join(("abcde"[at], *row)) for at, row in enumerate(rows)
    ]


def test_line_below_a_name_shows_its_columns(read: Read) -> None:
    """As in scientific tables, which have lines only above, below and under the header."""
    names = drawn(150, 314, "Spring") + drawn(300, 314, "Autumn")
    lines = b"38 330 m 390 330 l S 118 308 m 220 308 l S 270 308 m 380 308 l S 38 288 m 390 288 l S\n"
    rows = (
        ("Site", "eggs", "birds", "eggs", "birds"),
        ("Fen", "12", "4", "7", "2"),
        ("Moor", "9", "5", "3", "1"),
        ("Dune", "8", "8", "2", "6"),
    )
    document = read("spans", pdf_pages(lines + names + rows_of_cells(*rows, top=294, pitch=18)))
    assert texts(document).split("\n")[0] == "| Spring | Spring | Autumn | Autumn"


def test_label_of_two_lines_beside_its_values(read: Read) -> None:
    """The values stand in the middle of the label's height."""
    content = rows_of_cells(("Measure", "1998", "1999", "2000"), top=330)
    for y, label, values in (
        (300, ("Median income", "of households"), ("49,497", "51,295", "52,587")),
        (260, ("Mortality", "per 100,000"), ("7,108", "6,960", "6,920")),
        (220, ("Index of", "health"), ("0.87", "0.88", "0.89")),
    ):
        content += drawn(40, y + 6, label[0]) + drawn(40, y - 6, label[1])
        content += b"".join(drawn(120 + 80 * at, y, value) for at, value in enumerate(values))
    assert texts(read("middle", pdf_pages(content))).split("\n")[1:] == [
        "Median income of households | 49,497 | 51,295 | 52,587",
        "Mortality per 100,000 | 7,108 | 6,960 | 6,920",
        "Index of health | 0.87 | 0.88 | 0.89",
    ]


def test_dots_lead_to_the_cells_of_an_entry(read: Read) -> None:
    entries = ("Soup of the day", "4.50"), ("Fried herring", "11.80"), ("Red berries", "6.20")
    content = b"".join(
        drawn(40, 300 - 14 * at, f"{name} {'.' * (60 - len(name))} {price}")
        for at, (name, price) in enumerate(entries)
    )
    assert texts(read("menu", pdf_pages(content))).split("\n") == [
        "Soup of the day: 4.50;",
        "Fried herring: 11.80;",
        "Red berries: 6.20",
    ]


def test_dots_of_an_entry_alone(read: Read) -> None:
    document = read("entry", pdf_pages(drawn(40, 300, "Notices . . . . . . . . . . 7")))
    assert texts(document) == "Notices … 7"


def test_table_beside_prose(read: Read) -> None:
    """Its rows are no rows of the page: the lines beside them are those of a column of prose."""
    rows = [("State", "No.", "Rate"), *((f"Fen {at}", f"{7 * at:,}", f"{at}.5") for at in range(1, 12))]
    lines = (
        "the dyke was raised by a third of its height, and",
        "both gates were mended before the winter came in",
    ) * 7
    content = b"".join(drawn(200, 306 - 13 * at, line, 8) for at, line in enumerate(lines[:12]))
    document = read("beside", pdf_pages(rows_of_cells(*rows, top=300, width=45, pitch=13) + content))
    tables = [element.text for element in document.elements if element.kind is ElementKind.TABLE]
    assert tables == ["\n".join(" | ".join(row) for row in rows)]


def test_lines_of_prose_with_areas_behind_them_are_no_table(read: Read) -> None:
    left = (
        "The mill stands at the river",
        "and grinds the corn that comes",
        "from the farms on the hill",
        "in autumn.",
    )
    right = (
        "Boats bring the flour down",
        "to the harbour at the mouth",
        "of the river where bakers",
        "wait for it.",
    )
    content = b""
    for number, row in enumerate(zip(left, right, strict=True)):
        for column, text in enumerate(row):
            x, y = 30 + 180 * column, 340 - 16 * number
            shade = b"0.9" if number % 2 else b"0.8"
            content += b"%s g %d %d 180 16 re f 0 g\n" % (shade, x - 5, y - 4) + drawn(x, y, text)
    assert outline(read("a.pdf", pdf_pages(content))) == [("text", " ".join(left)), ("text", " ".join(right))]
