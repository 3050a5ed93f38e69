"""The order, tables and paragraphs of PDFs."""

from __future__ import annotations

import pytest

from tests.engines.reading import Read, drawn, outline, pdf, pdf_pages, rows_of_cells, stream, texts

PROSE = (
    "The old mill stands at the",
    "river bend and was built by",
    "the miller Anselm, who had",
    "ground rye for nine villages",
    "until the dam burst in spring.",
)
MORE_PROSE = (
    "The new bakery lies uphill",
    "and burns beech wood. On",
    "market days the queue may",
    "reach the fountain before",
    "the church clock says seven.",
)


def test_columns_that_are_drawn_line_by_line(read: Read) -> None:
    lines = enumerate(zip(PROSE, MORE_PROSE, strict=True))
    content = b"".join(
        drawn(40, 300 - 12 * at, left) + drawn(220, 300 - 12 * at, right) for at, (left, right) in lines
    )
    assert [text for _, text in outline(read("columns", pdf_pages(content)))] == [
        " ".join(PROSE),
        " ".join(MORE_PROSE),
    ]


def test_what_is_above_is_read_first(read: Read) -> None:
    content = drawn(40, 50, "Imprint") + drawn(40, 200, "A paragraph.") + drawn(40, 350, "Hall rules", 18)
    assert texts(read("order", pdf_pages(content))).split("\n") == ["Hall rules", "A paragraph.", "Imprint"]


def test_running_heads_are_kept_once_and_sentences_go_on(read: Read) -> None:
    def page(number: int, *lines: str) -> bytes:
        edges = drawn(40, 380, "Statutes of the rowing club") + drawn(
            40, 20, f"Printed 2024 - page {number} of 3"
        )
        return edges + b"".join(drawn(40, 340 - 12 * at, line) for at, line in enumerate(lines))

    pages = page(1, "The gauge shows less than"), page(2, "three metres."), page(3, "The end of all.")
    document = read("heads", pdf_pages(*pages))
    assert [(str(one.kind), one.text, one.page, one.continues) for one in document.elements] == [
        ("header", "Statutes of the rowing club", 1, False),
        ("footer", "Printed 2024 - page 1 of 3", 1, False),
        ("text", "The gauge shows less than", 1, False),
        ("text", "three metres.", 2, True),
        ("text", "The end of all.", 3, False),
    ]


def test_line_numbers_are_no_text(read: Read) -> None:
    content = b"".join(
        drawn(30, 300 - 12 * at, str(at + 1)) + drawn(60, 300 - 12 * at, line)
        for at, line in enumerate(PROSE)
    )
    assert texts(read("claims", pdf_pages(content))) == " ".join(PROSE)


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("The com-", "mittee met.", "The committee met."),
        ("Form AB-", "4711 is blue.", "Form AB-4711 is blue."),
        ("Baden-", "Baden is old.", "Baden-Baden is old."),
        ("An X-", "ray unit.", "An X-ray unit."),
        ("The in-", "and outpatients.", "The in- and outpatients."),
    ],
)
def test_hyphens_at_the_end_of_lines(read: Read, first: str, second: str, joined: str) -> None:
    content = drawn(40, 300, first) + drawn(40, 288, second)
    assert texts(read("hyphens", pdf_pages(content))) == joined


def test_hyphen_of_a_word_that_stands_elsewhere(read: Read) -> None:
    content = (
        drawn(40, 330, "A well-known fact.") + drawn(40, 300, "The well-") + drawn(40, 288, "known engineer.")
    )
    assert "The well-known engineer." in texts(read("hyphens", pdf_pages(content)))


def test_note_stands_behind_its_paragraph(read: Read) -> None:
    first = (
        drawn(40, 100, "The plant was renewed")
        + drawn(142, 104, "1", 6)
        + drawn(40, 88, "and saves about")
        + drawn(40, 40, "1 Without the swimming pool.", 8)
    )
    second = drawn(40, 340, "ninety tonnes a year.")
    document = read("note", pdf_pages(first, second))
    assert [(str(one.kind), one.text, one.continues) for one in document.elements] == [
        ("text", "The plant was renewed ¹ and saves about", False),
        ("text", "ninety tonnes a year.", True),
        ("note", "1 Without the swimming pool.", False),
    ]


def test_raised_text_does_not_change_numbers(read: Read) -> None:
    content = drawn(40, 300, "An area of 12 m") + drawn(109, 304, "2", 6) + drawn(113, 300, " and 6 x 10")
    content += drawn(163.5, 304, "4", 6) + drawn(168, 300, " litres.")
    assert texts(read("raised", pdf_pages(content))) == "An area of 12 m² and 6 x 10^4 litres."


def test_initial_belongs_to_its_word(read: Read) -> None:
    content = (
        drawn(40, 288, "T", 34)
        + drawn(62, 300, "he keeper counted the ships")
        + drawn(62, 288, "that passed the cape.")
    )
    assert texts(read("initial", pdf_pages(content))) == "The keeper counted the ships that passed the cape."


def test_text_off_the_page_is_left_out(read: Read) -> None:
    content = (
        drawn(40, 300, "Shown.") + drawn(40, 350, "A slug of the printer.") + drawn(40, 250, "Tiny.", 0.4)
    )
    document = read("box", pdf_pages(content, page=b"/MediaBox[0 0 400 400]/CropBox[0 0 400 330]"))
    assert texts(document) == "Shown."
    assert document.metadata["hidden_parts"] == 2


def test_part_of_a_line_that_is_on_the_page_is_read(read: Read) -> None:
    content = drawn(320, 300, "The quay is closed on Sundays and on holidays.") + drawn(-400, 250, "Gone.")
    document = read("edge", pdf_pages(content))
    assert texts(document) == "The quay is closed"
    assert document.metadata["hidden_parts"] == 2


def test_turned_page_is_read_like_any_other(read: Read) -> None:
    """Its rows are columns in the file's own coordinates."""
    rows = ("Plan", "Price"), ("Basic", "40"), ("Team", "150")
    content = b"q 0 1 -1 0 400 0 cm\n" + rows_of_cells(*rows) + b"Q"
    document = read("turned", pdf_pages(content, page=b"/MediaBox[0 0 400 400]/Rotate 90"))
    assert texts(document).split("\n") == ["Plan: Price;", "Basic: 40;", "Team: 150"]


def mapped(*signs: tuple[str, str]) -> bytes:
    """Return a map of a font's letters to other text."""
    pairs = " ".join(f"<{ord(code):02X}> <{text.encode('utf-16-be').hex()}>" for code, text in signs)
    return stream(
        f"1 begincodespacerange <00><FF> endcodespacerange {len(signs)} beginbfchar {pairs} endbfchar".encode()
    )


def test_arabic_ligature_keeps_its_order(read: Read) -> None:
    font = mapped(("a", "خ"), ("b", "لا"), ("c", "ل"), ("d", "ك"), ("e", "م"))
    document = read("arabic", pdf(b"BT /F 20 Tf 40 300 Td (cba ded) Tj ET", font, font=b"/ToUnicode 6 0 R"))
    assert "خلال" in texts(document).split()


def test_chinese_lines_are_joined_without_a_space(read: Read) -> None:
    font = mapped(("a", "押"), ("b", "金"), ("c", "为"))
    document = read(
        "chinese",
        pdf(b"BT /F 20 Tf 40 300 Td (abca) Tj 0 -24 Td (bcab) Tj ET", font, font=b"/ToUnicode 6 0 R"),
    )
    assert texts(document) == "押金为押金为押金"


def test_numbers_of_each_fifth_line_are_no_text(read: Read) -> None:
    content = b"".join(drawn(60, 300 - 12 * at, line) for at, line in enumerate((*PROSE, *PROSE)))
    content += drawn(34, 252, "5") + drawn(30, 192, "10")
    assert texts(read("claims", pdf_pages(content))) == " ".join((*PROSE, *PROSE))


def test_what_counts_otherwise_than_pages_is_no_furniture(read: Read) -> None:
    pages = [
        drawn(40, 380, "Statutes")
        + drawn(40, 300, "Text of the page.")
        + drawn(40, 30, f"The warden rules berth {7 * at}.")
        for at in range(1, 4)
    ]
    document = read("berths", pdf_pages(*pages))
    assert [text for _, text in outline(document) if "berth" in text] == [
        f"The warden rules berth {7 * at}." for at in range(1, 4)
    ]


def test_invisible_text_is_seen_over_a_scan_only(read: Read) -> None:
    """As recognition writes it; a rectangle stands for the scan."""
    content = drawn(40, 300, "Our price is 900 euro.") + b"0 g 60 248 40 9 re f "
    content += (
        b"BT 3 Tr ET " + drawn(40, 250, "A scanned line of text.") + drawn(40, 200, "Keywords for machines.")
    )
    document = read("scan", pdf_pages(content))
    assert texts(document).split("\n") == ["Our price is 900 euro.", "A scanned line of text."]
    assert document.metadata["hidden_parts"] == 1


def test_white_text_is_seen_on_dark_ground_only(read: Read) -> None:
    content = b"0.1 0.2 0.5 rg 30 190 200 30 re f\n" + b"0 g " + drawn(40, 300, "Our price is 900 euro.")
    content += b"1 g " + drawn(40, 250, "Floor price 640 euro.") + drawn(40, 200, "A white title.")
    document = read("white", pdf_pages(content))
    assert texts(document).split("\n") == ["Our price is 900 euro.", "A white title."]
    assert document.metadata["hidden_parts"] == 1


def test_mark_across_all_pages_is_kept_once(read: Read) -> None:
    mark = b"BT /F 40 Tf 0.7 0.7 -0.7 0.7 100 100 Tm (DRAFT) Tj ET\n"
    pages = [mark + drawn(40, 300, f"The text of page {name}.") for name in ("one", "two", "three")]
    assert texts(read("draft", pdf_pages(*pages))).split("\n") == [
        "DRAFT",
        "The text of page one.",
        "The text of page two.",
        "The text of page three.",
    ]


def test_bullets_that_are_drawn_apart_belong_to_their_items(read: Read) -> None:
    items = "Book the hall.", "Tell the choir.", "Return the keys."
    content = b"".join(drawn(60, 300 - 20 * at, item) for at, item in enumerate(items))
    content += b"".join(drawn(40, 300 - 20 * at, "\u2022") for at in range(3))
    assert outline(read("list", pdf_pages(content))) == [("list_item", item) for item in items]


def test_page_numbers_that_change_sides_are_left_out(read: Read) -> None:
    pages = [
        drawn(40 + 300 * (at % 2), 20 + 2 * at, str(at)) + drawn(40, 300, f"Text {'abc'[at - 1]}.")
        for at in (1, 2, 3)
    ]
    assert texts(read("sides", pdf_pages(*pages))).split("\n") == ["Text a.", "Text b.", "Text c."]


def test_line_that_begins_bold_is_no_title(read: Read) -> None:
    content = (
        drawn(40, 300, "Conversational", font="B")
        + drawn(115, 300, " agents use tools in a way that is")
        + drawn(40, 288, "known to all of us.")
    )
    assert outline(read("bold", pdf_pages(content))) == [
        ("text", "Conversational agents use tools in a way that is known to all of us.")
    ]


def test_row_below_a_title_is_read_from_its_left(read: Read) -> None:
    content = drawn(220, 300, "Last name") + drawn(40, 300, "First name")
    document = read("form", pdf_pages(content + drawn(160, 360, "An example of a form", 16)))
    assert texts(document).split("\n") == ["An example of a form", "First name", "Last name"]


def test_vertical_writing_is_read_downwards(read: Read) -> None:
    """Its columns follow each other from right to left."""
    font = (
        b"<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/Identity-V/DescendantFonts[7 0 R]/ToUnicode 8 0 R>>",
        b"<</Type/Font/Subtype/CIDFontType2/BaseFont/A/DW 1000"
        b"/CIDSystemInfo<</Registry(Adobe)/Ordering(Japan1)/Supplement 2>>>>",
        stream(
            b"1 begincodespacerange <0000><FFFF> endcodespacerange "
            b"6 beginbfchar <0001><5951> <0002><7D04> <0003><66F8> <0004><6708> <0005><672B> <0006><65E5> endbfchar"
        ),
    )
    content = b"BT /G 20 Tf 300 350 Td <000100020003> Tj -40 0 Td <000400050006> Tj ET"
    data = pdf(content, *font).replace(b"/Font<</F 5 0 R>>>>", b"/Font<</F 5 0 R/G 6 0 R>>>>", 2)
    assert "".join(texts(read("vertical", data)).split()) == "契約書月末日"


def test_letters_beyond_the_basic_plane(read: Read) -> None:
    font = mapped(("a", "\U0001d45d"))
    document = read("formula", pdf(b"BT /F 20 Tf 40 300 Td (a = 4) Tj ET", font, font=b"/ToUnicode 6 0 R"))
    assert texts(document).startswith("\U0001d45d")
