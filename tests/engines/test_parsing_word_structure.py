"""Word: titles, lists, tables and pages."""

from __future__ import annotations

import pytest

from engines.parsing import ElementKind, ParsedDocument
from tests.engines.reading import Read, outline, texts
from tests.engines.word_files import (
    NUMBERING,
    cell,
    in_list,
    paragraph,
    run,
    style,
    table,
    word_file,
)

PAGE_BREAK = '<w:r><w:br w:type="page"/></w:r>'
SHOWN_BREAK = "<w:lastRenderedPageBreak/>"


def test_numbers_of_clauses_are_counted(read: Read) -> None:
    source = word_file(
        paragraph("Scope", in_list(0), "Heading1")
        + paragraph("Payment", in_list(0), "Heading1")
        + paragraph("Terms", in_list(1))
        + paragraph("cash", in_list(2))
        + paragraph("card", in_list(2))
        + paragraph("dot", in_list(0, 2))
        + paragraph("Anew", in_list(0, 3))
        + paragraph("By style", style="Clause"),
        parts={
            "numbering.xml": NUMBERING,
            "styles.xml": style("Heading1", '<w:pPr><w:outlineLvl w:val="0"/></w:pPr>', shown="heading 1")
            + style("Clause", f"<w:pPr>{in_list(0)}</w:pPr>"),
        },
    )
    assert outline(read("a.docx", source)) == [
        ("title", "1. Scope"),
        ("title", "2. Payment"),
        ("list_item", "2.1 Terms"),
        ("list_item", "(a) cash"),
        ("list_item", "(b) card"),
        ("list_item", "dot"),
        ("list_item", "1. Anew"),
        ("list_item", "2. By style"),
    ]


def test_own_styles_give_titles_captions_and_code(read: Read) -> None:
    source = word_file(
        paragraph("Report", style="Mine")
        + paragraph("Part", style="Part")
        + paragraph("Section", style="Kapitel")
        + paragraph("Figure 1", style="Below")
        + paragraph("if x:", style="Listing")
        + paragraph("    go()", style="Listing"),
        parts={
            "styles.xml": style("Title", shown="Title")
            + style("Mine", based_on="Title")
            + style("Part", '<w:pPr><w:outlineLvl w:val="1"/></w:pPr>')
            + style("berschrift3", shown="heading 3")
            + style("Kapitel", based_on="berschrift3")
            + style("Caption", shown="caption")
            + style("Below", based_on="Caption")
            + style("Listing", shown="Source Code")
        },
    )
    document = read("a.docx", source)
    assert [(str(one.kind), one.text, one.level) for one in document.elements] == [
        ("title", "Report", 1),
        ("title", "Part", 2),
        ("title", "Section", 3),
        ("caption", "Figure 1", 0),
        ("code", "if x:\n    go()", 0),
    ]


def test_merged_cells_keep_their_columns(read: Read) -> None:
    source = word_file(
        table(
            f"<w:tr><w:trPr><w:tblHeader/></w:trPr>{cell('City')}{cell('Grade')}{cell('Rate')}</w:tr>",
            cell("Aachen", '<w:vMerge w:val="restart"/>') + cell("Senior") + cell("480"),
            cell("", "<w:vMerge/>") + cell("Junior") + cell("350"),
            f'<w:tr><w:trPr><w:gridBefore w:val="1"/></w:trPr>{cell("Sum")}{cell("830")}</w:tr>',
            cell("Total", '<w:gridSpan w:val="2"/>')
            + cell(table(cell("a") + cell("b"), cell("c") + cell("d"))),
        )
    )
    [element] = read("a.docx", source).elements
    assert element.header_rows == 1
    assert element.text == (
        "City | Grade | Rate\nAachen | Senior | 480\nAachen | Junior | 350\n| Sum | 830\nTotal | Total | a, b; c, d"
    )


def test_names_of_columns_are_read_above_empty_rows(read: Read) -> None:
    empty = cell("") + cell("")
    rows = f"<w:tr><w:trPr><w:tblHeader/></w:trPr>{cell('Date')}{cell('City')}</w:tr>"
    source = word_file(table(rows, empty, empty) + paragraph("Sign here."))
    assert outline(read("a.docx", source)) == [("table", "Date | City"), ("text", "Sign here.")]


def test_frames_of_one_cell_are_no_tables(read: Read) -> None:
    source = word_file(
        table(cell(paragraph("Head", '<w:outlineLvl w:val="0"/>') + paragraph("Text in a frame.")))
    )
    assert outline(read("a.docx", source)) == [("title", "Head"), ("text", "Text in a frame.")]


def pages(document: ParsedDocument) -> list[tuple[str, int | None]]:
    return [(element.text, element.page) for element in document.elements]


def test_pages_are_counted_once_for_each_break(read: Read) -> None:
    """Word keeps a break that it showed behind one that the author set, and one in each cell of a row."""
    source = word_file(
        paragraph("One.")
        + paragraph(PAGE_BREAK)
        + paragraph(f"<w:r>{SHOWN_BREAK}<w:t>Two. </w:t></w:r><w:r>{SHOWN_BREAK}<w:t>Three.</w:t></w:r>")
        + table(
            cell("Name") + cell("Size"),
            cell("a") + cell("7"),
            cell(paragraph(f"<w:r>{SHOWN_BREAK}<w:t>c</w:t></w:r>")) * 2,
        )
        + paragraph("Four.", '<w:sectPr><w:type w:val="nextPage"/></w:sectPr>')
        + paragraph("Five.")
        + "<w:sectPr/>"
    )
    document = read("a.docx", source)
    assert pages(document) == [
        ("One.", 1),
        ("Two.", 2),
        ("Three.", 3),
        ("Name | Size\na | 7", 3),
        ("Name | Size\nc | c", 4),
        ("Four.", 4),
        ("Five.", 5),
    ]
    assert [element.continues for element in document.elements] == [
        False,
        False,
        True,
        False,
        True,
        False,
        False,
    ]
    assert document.metadata["page_count"] == 5


def test_title_is_on_the_page_that_it_begins(read: Read) -> None:
    source = word_file(
        paragraph("Before.")
        + paragraph(f"<w:r>{SHOWN_BREAK}<w:t>Clause</w:t></w:r>", in_list(0))
        + paragraph("Apart", "<w:pageBreakBefore/>"),
        parts={"numbering.xml": NUMBERING},
    )
    assert pages(read("a.docx", source)) == [("Before.", 1), ("1. Clause", 2), ("Apart", 3)]


def test_pages_are_unknown_without_any_break(read: Read) -> None:
    document = read("a.docx", word_file(paragraph("Some text.")))
    assert pages(document) == [("Some text.", None)]


def test_wide_and_long_merged_cells_are_written_once(read: Read) -> None:
    long = "A long text on what is done in both of these cases, and why."
    source = word_file(
        table(
            cell("Form", '<w:gridSpan w:val="8"/>') + cell("Date"),
            "".join(cell(str(number)) for number in range(9)),
            cell(long * 2, '<w:gridSpan w:val="2"/>') + cell("x") * 7,
        )
    )
    first, _, last = texts(read("a.docx", source)).split("\n")
    assert first.split(" | ")[0] == "Form"
    assert first.replace("|", "").split() == ["Form", "Date"]
    assert last.count(long) == 2


def test_names_stand_over_all_columns_that_they_name(read: Read) -> None:
    months = cell("Plant") + cell("Month", '<w:gridSpan w:val="7"/>')
    named = table(
        months, "".join(cell(f"M{at}") for at in range(8)), "".join(cell(str(at)) for at in range(8))
    )
    assert texts(read("a.docx", word_file(named))).split("\n")[0] == "Plant" + " | Month" * 7


def test_typed_bullets_are_removed_only_in_front(read: Read) -> None:
    source = word_file(paragraph("• At home · At work"))
    assert outline(read("a.docx", source)) == [("list_item", "At home · At work")]


def test_old_merged_cells_and_hidden_rows(read: Read) -> None:
    source = word_file(
        table(
            cell("Wide", '<w:hMerge w:val="restart"/>') + cell("", "<w:hMerge/>") + cell("c"),
            f"<w:tr><w:trPr><w:hidden/></w:trPr>{cell('hidden')}{cell('too')}{cell('3')}</w:tr>",
            cell("1") + cell("2") + cell("3"),
        )
    )
    document = read("a.docx", source)
    assert texts(document) == "Wide | Wide | c\n1 | 2 | 3"
    assert document.metadata["hidden_parts"] == 1


def test_prose_in_letters_of_one_width_is_no_code(read: Read) -> None:
    font = '<w:rFonts w:ascii="Courier New" w:hAnsi="Courier New"/>'
    source = word_file(
        paragraph(run("A memo (from the typewriter).", font)) + paragraph(run("for i in range(3):", font))
    )
    assert [kind for kind, _ in outline(read("a.docx", source))] == ["text", "code"]


def test_headers_and_footers_are_read_once(read: Read) -> None:
    references = (
        f'<w:{kind}Reference w:type="default" r:id="{key}"/>'
        for kind, key in (("header", "h"), ("footer", "f"))
    )
    section = f"<w:sectPr>{''.join(references)}</w:sectPr>"
    source = word_file(
        paragraph("First section.", section) + paragraph("Second section.") + section,
        parts={"header1.xml": paragraph("Letterhead"), "footer1.xml": paragraph("Imprint")},
        relations={"h": ("header", "header1.xml"), "f": ("footer", "footer1.xml")},
    )
    found = outline(read("a.docx", source))
    assert found.count(("header", "Letterhead")) == found.count(("footer", "Imprint")) == 1
    assert found[0] == ("header", "Letterhead")


@pytest.mark.parametrize("is_used", [False, True])
def test_headers_of_even_pages_are_read_if_used(read: Read, is_used: bool) -> None:
    source = word_file(
        paragraph("Text.") + '<w:sectPr><w:headerReference w:type="even" r:id="e"/></w:sectPr>',
        parts={
            "header1.xml": paragraph("On even pages"),
            "settings.xml": "<w:evenAndOddHeaders/>" * is_used,
        },
        relations={"e": ("header", "header1.xml"), "s": ("settings", "settings.xml")},
    )
    assert ("On even pages" in texts(read("a.docx", source))) == is_used


def test_headers_of_several_rows_are_counted(read: Read) -> None:
    two = table(
        cell("Plant", '<w:vMerge w:val="restart"/>') + cell("2023", '<w:gridSpan w:val="2"/>'),
        cell("", "<w:vMerge/>") + cell("Spring") + cell("Autumn"),
        cell("Ulm") + cell("1") + cell("2"),
    )
    titled = table(
        cell("Prices", '<w:gridSpan w:val="2"/>'),
        cell("Item") + cell("Net"),
        cell("Pen") + cell("1"),
    )
    pairs = table(cell(paragraph(run("Name", "<w:b/>"))) + cell("Ada"), cell("Phone") + cell("five"))
    document = read("a.docx", word_file(two + paragraph("Between.") + titled + paragraph("Between.") + pairs))
    tables = [one for one in document.elements if one.kind is ElementKind.TABLE]
    assert [(one.header_rows, one.text.split("\n")[0]) for one in tables] == [
        (2, "Plant | 2023 | 2023"),
        (2, "Prices"),
        (0, "Name | Ada"),
    ]


def test_row_that_runs_over_is_one_break(read: Read) -> None:
    """Word marks the cell that runs over, the next cell, and the next row."""

    def broken(before: str, after: str) -> str:
        return cell(paragraph(f"<w:r><w:t>{before}</w:t></w:r><w:r>{SHOWN_BREAK}<w:t>{after}</w:t></w:r>"))

    source = word_file(
        table(
            cell("Name") + cell("What") + cell("Size"),
            cell("a") + broken("long", "text") + broken("", "1"),
            broken("", "b") + cell("c") + cell("2"),
        )
    )
    assert pages(read("a.docx", source)) == [
        ("Name | What | Size\na | longtext | 1", 1),
        ("Name | What | Size\nb | c | 2", 2),
    ]


def test_headers_are_on_the_first_page_of_their_section(read: Read) -> None:
    def section(key: str) -> str:
        return f'<w:sectPr><w:headerReference w:type="default" r:id="{key}"/></w:sectPr>'

    source = word_file(
        paragraph("First.", section("h")) + paragraph("Second.") + section("i"),
        parts={"header1.xml": paragraph("Part one"), "header2.xml": paragraph("Part two")},
        relations={"h": ("header", "header1.xml"), "i": ("header", "header2.xml")},
    )
    assert pages(read("a.docx", source)) == [("Part one", 1), ("First.", 1), ("Part two", 2), ("Second.", 2)]
