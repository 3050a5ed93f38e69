"""OpenDocument texts: what stands in frames, notes, margins and tables, and what is not shown."""

from __future__ import annotations

import pytest

from engines.parsing import ElementKind, ParseError
from tests.engines.reading import Read, image_file, outline, text_image, texts, zipped

NAMESPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{full}:1.0"'
    for name, full in {
        "office": "office",
        "style": "style",
        "text": "text",
        "table": "table",
        "draw": "drawing",
        "fo": "xsl-fo-compatible",
    }.items()
)
NAMESPACES += ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink"'
ODT = "application/vnd.oasis.opendocument.text"


def odt(
    body: str, styles: str = "", page_styles: str = "", parts: dict[str, str | bytes] | None = None
) -> bytes:
    content = f"<office:automatic-styles>{styles}</office:automatic-styles><office:body><office:text>{body}</office:text>"
    return zipped(
        {
            "mimetype": ODT,
            "content.xml": f"<office:document-content {NAMESPACES}>{content}</office:body></office:document-content>",
            "styles.xml": f"<office:document-styles {NAMESPACES}>{page_styles}</office:document-styles>",
            **(parts or {}),
        }
    )


def test_notes_and_comments_follow_their_paragraph(read: Read) -> None:
    note = '<text:note text:note-class="footnote"><text:note-citation>1</text:note-citation>'
    note += "<text:note-body><text:p>In June.</text:p></text:note-body></text:note>"
    comment = "<office:annotation><dc:creator>Ada</dc:creator><text:p>Really?</text:p></office:annotation>"
    document = read("a.odt", odt(f"<text:p>At dawn{note} it left{comment}.</text:p><text:p>Later.</text:p>"))
    assert outline(document) == [
        ("text", "At dawn it left."),
        ("note", "In June."),
        ("comment", "Comment by Ada: Really?"),
        ("text", "Later."),
    ]


def test_frames_and_shapes_are_paragraphs_of_their_own(read: Read) -> None:
    frame = "<draw:frame><draw:text-box><text:p>In the box.</text:p></draw:text-box></draw:frame>"
    shape = "<draw:g><draw:custom-shape><text:p>In the shape.</text:p></draw:custom-shape></draw:g>"
    document = read("a.odt", odt(f"{shape}<text:p>Before{frame} and after.</text:p>"))
    assert texts(document) == "In the shape.\nBefore and after.\nIn the box."


def test_headers_and_footers(read: Read) -> None:
    margins = "<style:header><text:p>Annual report</text:p></style:header><style:footer><text:p>7</text:p></style:footer>"
    margins += "<style:footer-left><text:p>Internal</text:p></style:footer-left>"
    page = f'<style:master-page style:name="Standard">{margins}</style:master-page>'
    masters = f"<office:master-styles>{page}</office:master-styles>"
    document = read("a.odt", odt("<text:p>Body.</text:p>", page_styles=masters))
    assert outline(document) == [("header", "Annual report"), ("text", "Body."), ("footer", "Internal")]


def test_tracked_changes_are_accepted_and_hidden_parts_left_out(read: Read) -> None:
    deleted = "<text:deletion><text:p>Gone.</text:p></text:deletion>"
    changes = (
        f"<text:tracked-changes><text:changed-region>{deleted}</text:changed-region></text:tracked-changes>"
    )
    styles = '<style:style style:name="H" style:family="text"><style:text-properties text:display="none"/></style:style>'
    body = (
        f"{changes}<text:p>Seen<text:change text:change-id='1'/> "
        "<text:span text:style-name='H'>secret</text:span>words.</text:p>"
        "<text:section text:display='none'><text:p>Secret too.</text:p></text:section>"
    )
    document = read("a.odt", odt(body, styles))
    assert outline(document) == [("text", "Seen words.")]
    assert document.metadata["hidden_parts"] == 2


def test_lists_and_headings_have_their_numbers(read: Read) -> None:
    level = '<text:list-level-style-number text:level="{}" style:num-format="{}" style:num-suffix="." '
    level += 'text:display-levels="{}"/>'
    numbered = f'<text:list-style style:name="L">{level.format(1, "1", 1)}{level.format(2, "a", 2)}</text:list-style>'
    outlined = '<text:outline-style style:name="Outline"><text:outline-level-style text:level="1" style:num-format="I"/>'
    outlined += "</text:outline-style>"
    inner = "<text:list><text:list-item><text:p>Inner</text:p></text:list-item></text:list>"
    one = "<text:list-item><text:p>{}</text:p>{}</text:list-item>"
    body = (
        '<text:h text:outline-level="1">Parts</text:h>'
        f'<text:list text:style-name="L">{one.format("First", inner)}{one.format("Second", "")}</text:list>'
        "<text:p>Between.</text:p>"
        f'<text:list text:style-name="L" text:continue-numbering="true">{one.format("Third", "")}</text:list>'
        f'<text:list text:style-name="L">{one.format("Anew", "")}</text:list>'
    )
    document = read("a.odt", odt(body, numbered + outlined))
    assert outline(document) == [
        ("title", "I Parts"),
        ("list_item", "1. First"),
        ("list_item", "1.a. Inner"),
        ("list_item", "2. Second"),
        ("text", "Between."),
        ("list_item", "3. Third"),
        ("list_item", "1. Anew"),
    ]


def test_tables_keep_their_columns(read: Read) -> None:
    def cell(text: str, attributes: str = "") -> str:
        return f"<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>"

    covered = "<table:covered-table-cell/>"
    high, wide = ('table:number-rows-spanned="2"', 'table:number-columns-spanned="2"')
    rows = [
        f"<table:table-row>{''.join(map(cell, ('Boat', 'Owner', 'Year')))}</table:table-row>",
        f"<table:table-row>{cell('Heron', high)}{cell('Anna', wide)}{covered}</table:table-row>",
        f"<table:table-row>{covered}<table:table-cell/>{cell('1999')}</table:table-row>",
    ]
    rows[0] = f"<table:table-header-rows>{rows[0]}</table:table-header-rows>"
    (table,) = read("a.odt", odt(f"<table:table>{''.join(rows)}</table:table>")).elements
    assert table.text == "Boat | Owner | Year\nHeron | Anna | Anna\nHeron | | 1999"
    assert table.header_rows == 1


def test_pages_and_what_runs_over(read: Read) -> None:
    body = "<text:p>One begins<text:soft-page-break/> and ends.</text:p><text:h><text:soft-page-break/>Two</text:h>"
    found = read("a.odt", odt(body)).elements
    assert [(e.text, e.page, e.continues, e.kind) for e in found] == [
        ("One begins", 1, False, ElementKind.TEXT),
        ("and ends.", 2, True, ElementKind.TEXT),
        ("Two", 3, False, ElementKind.TITLE),
    ]


def test_formulas_and_spaces(read: Read) -> None:
    formula = '<draw:frame><draw:object xlink:href="./Object 1"/></draw:frame>'
    part: dict[str, str | bytes] = {"Object 1/content.xml": "<math><msup><mi>c</mi><mn>2</mn></msup></math>"}
    document = read(
        "a.odt",
        odt(f"<text:p>With<text:s text:c='1'/>{formula}<text:tab/>there.\n   More.</text:p>", parts=part),
    )
    assert outline(document) == [("text", "With c² there. More.")]


def test_encrypted_text_is_refused(read: Read) -> None:
    manifest = '<m:manifest xmlns:m="x"><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>'
    with pytest.raises(ParseError) as caught:
        read("a.odt", odt("<text:p>x</text:p>", parts={"META-INF/manifest.xml": manifest}))
    assert caught.value.code == "password_protected"


def test_pictures_are_recognised(read: Read) -> None:
    picture = image_file("PNG", [text_image("Oak posts 4711")])
    frame = '<draw:frame><draw:image xlink:href="Pictures/1.png"/></draw:frame>'
    document = read(
        "a.odt",
        odt(f"<text:p>Before.{frame}</text:p><text:p>After.</text:p>", parts={"Pictures/1.png": picture}),
    )
    assert texts(document) == "Before.\nOak posts 4711\nAfter."


def test_titles_and_code_by_their_styles(read: Read) -> None:
    styles = '<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Preformatted_20_Text"/>'
    body = '<text:p text:style-name="Title">Manual</text:p><text:p text:style-name="P1">def f(x):</text:p>'
    body += '<text:p text:style-name="P1"><text:s text:c="4"/>return x</text:p>'
    assert outline(read("a.odt", odt(body, styles))) == [
        ("title", "Manual"),
        ("code", "def f(x):\n    return x"),
    ]
