"""Slides: in the order in which they are read, with all that is drawn on them, without what is not shown."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from engines.parsing import ElementKind, PageKind, ParsedDocument
from tests.engines.reading import Read, image_file, outline, text_image, zipped

TITLE_ONLY, TWO_COLUMNS, BLANK = 5, 3, 6
OFFICE = "http://schemas.openxmlformats.org"


def deck(*fills: Callable[[Any], None], layout: int = TITLE_ONLY) -> bytes:
    """Return a deck with a slide for each function, which fills it."""
    source, out = pptx.Presentation(), io.BytesIO()
    for fill in fills:
        fill(source.slides.add_slide(source.slide_layouts[layout]))
    source.save(out)
    return out.getvalue()


def write(slide: Any, text: str, left: float, top: float) -> Any:
    box = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(2), Inches(0.5))
    box.text_frame.text = text
    return box


def titled(text: str) -> Callable[[Any], None]:
    return lambda slide: setattr(slide.shapes.title, "text", text)


def changed(data: bytes, old: str, new: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return zipped(
            {name: archive.read(name).replace(old.encode(), new.encode()) for name in archive.namelist()}
        )


def words(document: ParsedDocument) -> list[str]:
    return [element.text for element in document.elements]


def test_shapes_are_read_by_their_places_and_only_titles_are_titles(read: Read) -> None:
    def fill(slide: Any) -> None:
        write(slide, "last", 1, 6)
        write(slide, "right", 5, 3)
        write(slide, "left, below", 0.5, 3.6)
        write(slide, "right, below", 5, 3.6)
        write(slide, "left", 0.5, 3)
        write(slide, "on top", 1, 0.1)
        slide.shapes.title.text = "Boards"

    document = read("a.pptx", deck(fill))
    assert words(document) == ["Boards", "on top", "left", "left, below", "right", "right, below", "last"]
    assert [element.kind for element in document.elements].count(ElementKind.TITLE) == 1
    assert document.page_kind is PageKind.SLIDE


def test_placeholders_stand_where_their_layout_puts_them(read: Read) -> None:
    def fill(slide: Any) -> None:
        write(slide, "at the foot", 1, 6.8)
        slide.shapes.title.text, slide.placeholders[2].text, slide.placeholders[1].text = (
            "Two",
            "right",
            "left",
        )

    assert outline(read("a.pptx", deck(fill, layout=TWO_COLUMNS))) == [
        ("title", "Two"),
        ("list_item", "left"),
        ("list_item", "right"),
        ("text", "at the foot"),
    ]


def test_notes_and_slides_keep_their_order(read: Read) -> None:
    def fill(slide: Any) -> None:
        slide.shapes.title.text = "Second"
        slide.notes_slide.notes_text_frame.text = "Speak slowly."

    document = read("a.pptx", deck(titled("First"), fill, titled("Third")))
    assert [(str(e.kind), e.text, e.page) for e in document.elements] == [
        ("title", "First", 1),
        ("title", "Second", 2),
        ("note", "Speak slowly.", 2),
        ("title", "Third", 3),
    ]


def test_what_nobody_sees_is_left_out_and_counted(read: Read) -> None:
    def hidden_slide(slide: Any) -> None:
        slide.shapes.title.text = "Backup"
        slide._element.set("show", "0")

    def fill(slide: Any) -> None:
        slide.shapes.title.text = "Seen"
        write(slide, "hidden", 1, 3)._element.nvSpPr.cNvPr.set("hidden", "1")
        write(slide, "beside the slide", -4, 3)
        write(slide, "a hair outside", -0.01, 4)

    document = read("a.pptx", deck(hidden_slide, fill))
    assert [(e.text, e.page) for e in document.elements] == [("Seen", 2), ("a hair outside", 2)]
    assert document.metadata["hidden_parts"] == 3


def test_charts_tables_and_groups_are_read(read: Read) -> None:
    def fill(slide: Any) -> None:
        data = CategoryChartData()
        data.categories = ["Wheat", "Rapeseed"]
        data.add_series("2024", (812, 97))
        frame = slide.shapes.add_chart(XL_CHART_TYPE.PIE, Inches(1), Inches(4), Inches(4), Inches(1), data)
        frame.chart.has_title = True
        frame.chart.chart_title.text_frame.text = "Harvest"
        table = slide.shapes.add_table(3, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
        for at, text in enumerate(("Shift", "Name", "Late", "Tomas", "", "Ada")):
            table.cell(at // 2, at % 2).text = text
        table.cell(1, 0).merge(table.cell(2, 0))
        group = slide.shapes.add_group_shape()
        for top, text in ((6, "low"), (5.5, "high")):
            group.shapes.add_textbox(Inches(1), Inches(top), Inches(2), Inches(0.4)).text_frame.text = text

    document = read("a.pptx", deck(fill, layout=BLANK))
    assert outline(document) == [
        ("table", "Shift | Name\nLate | Tomas\nLate | Ada"),
        ("caption", "Harvest"),
        ("table", "| 2024\nWheat | 812\nRapeseed | 97"),
        ("text", "high"),
        ("text", "low"),
    ]
    assert [element.header_rows for element in document.elements] == [1, 0, 1, 0, 0]


def test_numbered_paragraphs_have_their_numbers(read: Read) -> None:
    def fill(slide: Any) -> None:
        frame = write(slide, "Buy", 1, 1).text_frame
        for text, level in (("Bread", 1), ("Milk", 1), ("Cook", 0)):
            paragraph = frame.add_paragraph()
            paragraph.text, paragraph.level = text, level
        for paragraph in frame.paragraphs:
            kind = "alphaLcParenBoth" if paragraph.level else "arabicPeriod"
            properties = paragraph._p.get_or_add_pPr()
            properties.append(
                properties.makeelement(f"{{{OFFICE}/drawingml/2006/main}}buAutoNum", {"type": kind})
            )

    expected = ["1. Buy", "(a) Bread", "(b) Milk", "2. Cook"]
    assert outline(read("a.pptx", deck(fill, layout=BLANK))) == [("list_item", text) for text in expected]


@pytest.mark.parametrize(
    ("is_shown", "expected"),
    [(True, ["Plan", "On the layout", "On the master", "Next"]), (False, ["Plan", "Next"])],
)
def test_what_masters_write_is_read_once(read: Read, is_shown: bool, expected: list[str]) -> None:
    source, out = pptx.Presentation(), io.BytesIO()
    layout = source.slide_layouts[TITLE_ONLY]
    for text in ("Plan", "Next"):
        source.slides.add_slide(layout).shapes.title.text = text
    for text, left, shapes in (
        ("On the layout", 1, layout),
        ("Guide", 90, layout),
        ("On the master", 1, layout.slide_master),
    ):
        box = write(source.slides[0], text, left, 6)
        shapes.shapes._spTree.append(box._element)  # which takes it from the slide
    source.save(out)
    data = out.getvalue() if is_shown else changed(out.getvalue(), "<p:sld ", '<p:sld showMasterSp="0" ')
    assert words(read("a.pptx", data)) == expected


def test_pictures_with_text_are_recognised_beside_text(read: Read) -> None:
    def fill(slide: Any) -> None:
        slide.shapes.title.text = "Delivery performance goals"
        picture = io.BytesIO(image_file("PNG", [text_image("98 percent on time")]))
        slide.shapes.add_picture(picture, Inches(1), Inches(2), Inches(4), Inches(4))

    title, text = read("a.pptx", deck(fill)).elements
    assert (title.kind, text.kind, text.text) == (ElementKind.TITLE, ElementKind.TEXT, "98 percent on time")


def test_embedded_files_become_members(read: Read) -> None:
    def fill(slide: Any) -> None:
        slide.shapes.title.text = "Prices"
        slide.shapes.add_ole_object(
            io.BytesIO(zipped({"a.txt": b"x"})), "Excel.Sheet.12", Inches(1), Inches(2)
        )

    (member,) = read("a.pptx", deck(fill)).members
    assert member.path.read_bytes().startswith(b"PK")


@pytest.mark.parametrize("kind", ["slideshow.main", "template.main", "presentation.macroEnabled.main"])
def test_all_flavours_of_presentations_are_read(read: Read, kind: str) -> None:
    data = changed(deck(titled("Show")), "presentation.main", kind)
    assert words(read("a.ppsx", data)) == ["Show"]


def test_strict_presentations_are_read(read: Read) -> None:
    data = changed(
        deck(titled("Show")), f"{OFFICE}/officeDocument/2006", "http://purl.oclc.org/ooxml/officeDocument"
    )
    data = changed(
        data, f"{OFFICE}/presentationml/2006/main", "http://purl.oclc.org/ooxml/presentationml/main"
    )
    assert words(read("a.pptx", data)) == ["Show"]


def test_comments_follow_their_slide(read: Read) -> None:
    data = deck(titled("Plan"), titled("Next"))
    relation = '<Relationship Id="c1" Type="{0}/officeDocument/2006/relationships/{1}" Target="{2}"/></Relationships>'
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, kind, target in (
        ("ppt/slides/_rels/slide1.xml.rels", "comments", "../comments/comment1.xml"),
        ("ppt/_rels/presentation.xml.rels", "commentAuthors", "commentAuthors.xml"),
    ):
        parts[name] = parts[name].replace(b"</Relationships>", relation.format(OFFICE, kind, target).encode())
    parts["ppt/commentAuthors.xml"] = b'<a><cmAuthor id="0" name="Ada"/></a>'
    parts["ppt/comments/comment1.xml"] = (
        b'<c><cm authorId="0"><pos x="1" y="1"/><text>Too late?</text></cm></c>'
    )
    assert words(read("a.pptx", zipped(parts))) == ["Plan", "Comment by Ada: Too late?", "Next"]


OPEN_DECK = (
    '<?xml version="1.0"?><office:document{flat} xmlns:office="o" xmlns:table="t" xmlns:style="y" xmlns:draw="d"'
    ' xmlns:text="x" xmlns:presentation="p" xmlns:svg="s"><office:automatic-styles>'
    '<style:style style:name="h"><style:drawing-page-properties presentation:visibility="hidden"/></style:style>'
    '<text:list-style style:name="L"><text:list-level-style-number text:level="1" style:num-format="1"'
    ' style:num-suffix="."/></text:list-style></office:automatic-styles>'
    "<office:body><office:presentation>{pages}</office:presentation></office:body></office:document>"
)
ODP = "application/vnd.oasis.opendocument.presentation"


def frame(top: int, content: str, kind: str = "") -> str:
    mark = f' presentation:class="{kind}"' if kind else ""
    return f'<draw:frame svg:x="1cm" svg:y="{top}cm" svg:width="5cm" svg:height="1cm"{mark}>{content}</draw:frame>'


def text_box(*paragraphs: str) -> str:
    return "<draw:text-box>" + "".join(f"<text:p>{text}</text:p>" for text in paragraphs) + "</draw:text-box>"


@pytest.mark.parametrize("is_flat", [False, True])
def test_open_document_presentations_are_read(read: Read, is_flat: bool) -> None:
    items = "".join(f"<text:list-item><text:p>{text}</text:p></text:list-item>" for text in ("Bread", "Milk"))
    cell = "<table:table-cell{0}><text:p>{1}</text:p></table:table-cell>"
    rows = (
        cell.format("", "Shift") + cell.format("", "Name"),
        cell.format(' table:number-rows-spanned="2"', "Late") + cell.format("", "Tomas"),
        "<table:covered-table-cell/>" + cell.format("", "Ada"),
    )
    table = (
        "<table:table>"
        + "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
        + "</table:table>"
    )
    pages = (
        '<draw:page draw:style-name="h">'
        + frame(0, text_box("Backup"), "title")
        + "</draw:page><draw:page>"
        + frame(9, text_box("At the foot"))
        + frame(5, table)
        + frame(3, f'<draw:text-box><text:list text:style-name="L">{items}</text:list></draw:text-box>')
        + frame(1, text_box("Buy"), "title")
        + f"<presentation:notes>{frame(0, text_box('Speak slowly.'), 'notes')}</presentation:notes></draw:page>"
    )
    content = OPEN_DECK.format(flat=f' office:mimetype="{ODP}"' if is_flat else "", pages=pages)
    document = read("a", content.encode() if is_flat else zipped({"mimetype": ODP, "content.xml": content}))
    assert outline(document) == [
        ("title", "Buy"),
        ("list_item", "1. Bread"),
        ("list_item", "2. Milk"),
        ("table", "Shift | Name\nLate | Tomas\nLate | Ada"),
        ("text", "At the foot"),
        ("note", "Speak slowly."),
    ]
    assert {element.page for element in document.elements} == {2}
    assert document.metadata["hidden_parts"] == 1


def test_what_open_masters_write_is_read_once(read: Read) -> None:
    master = (
        frame(0, text_box("Title here"), "title")
        + frame(9, text_box("Mill GmbH"))
        + frame(8, text_box("&lt;number&gt;"))
    )
    page = f'<draw:page draw:master-page-name="M" presentation:use-footer-name="f">{frame(1, text_box("Buy"))}</draw:page>'
    pages = (
        f'<presentation:footer-decl presentation:name="f">Confidential</presentation:footer-decl>{page}{page}'
    )
    masters = f'<office:master-styles><style:master-page style:name="M">{master}</style:master-page></office:master-styles>'
    content = OPEN_DECK.format(flat=f' office:mimetype="{ODP}"', pages=pages).replace(
        "<office:body>", masters + "<office:body>"
    )
    assert [(one.page, one.kind, one.text) for one in read("a", content.encode()).elements] == [
        (1, "text", "Buy"),
        (1, "footer", "Mill GmbH"),
        (1, "footer", "Confidential"),
        (2, "text", "Buy"),
    ]
