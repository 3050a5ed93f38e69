"""Form fields, comments and unreadable text layers of PDFs."""

from __future__ import annotations

from tests.engines.reading import (
    Read,
    drawn,
    image_file,
    outline,
    pdf,
    pdf_pages,
    stream,
    text_image,
    texts,
)

FORM = b"BT /F 10 Tf 20 300 Td (Name:) Tj 0 -50 Td (City:) Tj 0 -50 Td (Colour:) Tj 0 -50 Td (Member) Tj ET"


def field(kind: bytes, value: bytes, place: bytes) -> bytes:
    return b"<</Type/Annot/Subtype/Widget/F 4/FT/%s/T(f%s)/Rect[%s]%s>>" % (kind, place[:2], place, value)


def test_form_fields_follow_their_labels(read: Read) -> None:
    document = read(
        "form",
        pdf(
            FORM,
            field(b"Tx", b"/V(Ann)", b"55 295 200 310"),
            field(b"Tx", b"/V(Rome)", b"54 245 200 260"),
            field(b"Ch", b"/Ff 131072/V(r)/Opt[[(g)(Green)][(r)(Red)]]", b"61 195 200 210"),
            field(b"Btn", b"/V/Yes/AS/Yes/AP<</N<</Yes 4 0 R/Off 4 0 R>>>>", b"05 145 15 160"),
            field(b"Tx", b"/V(unseen)/F 2", b"00 95 100 110"),
            page=b"/Annots[6 0 R 7 0 R 8 0 R 9 0 R 10 0 R]",
        ),
    )
    assert [text for _, text in outline(document)] == ["Name: Ann", "City: Rome", "Colour: Red", "✔ Member"]


def test_comments_that_repeat_the_text_are_dropped(read: Read) -> None:
    document = read(
        "comments",
        pdf(
            b"BT /F 10 Tf 20 300 Td (The price is 40 euros.) Tj ET",
            b"<</Type/Annot/Subtype/Text/Rect[20 200 40 220]/Contents(Ask Bo whether this is right.)>>",
            b"<</Type/Annot/Subtype/Highlight/Rect[20 300 90 310]/Contents(price is 40)>>",
            b"<</Type/Annot/Subtype/Link/Rect[20 300 90 310]/Contents(a link)>>",
            page=b"/Annots[6 0 R 7 0 R 8 0 R]",
        ),
    )
    assert [text for _, text in outline(document)] == [
        "The price is 40 euros.",
        "Ask Bo whether this is right.",
    ]


def test_text_without_unicode_mapping_is_recognised_by_ocr(read: Read) -> None:
    meaningless = stream(
        b"1 begincodespacerange <00><FF> endcodespacerange 1 beginbfrange <20><7E><E020> endbfrange"
    )
    document = read(
        "font",
        pdf(b"BT /F 30 Tf 20 200 Td (Hidden meaning) Tj ET", meaningless, font=b"/ToUnicode 6 0 R"),
    )
    assert [text for _, text in outline(document)] == ["Hidden meaning"]


def test_attached_files_are_members(read: Read) -> None:
    document = read(
        "invoice",
        pdf_pages(
            drawn(40, 300, "Invoice with its data attached."),
            catalog=b"/Names<</EmbeddedFiles<</Names[(details.csv)7 0 R]>>>>",
        ).replace(
            b"trailer",
            b"7 0 obj\n<</Type/Filespec/F(a/details.csv)/UF(a/details.csv)/EF<</F 8 0 R>>>>\nendobj\n"
            b"8 0 obj\n" + stream(b"Hire,40") + b"\nendobj\ntrailer",
        ),
    )
    assert [(member.name, member.path.read_bytes()) for member in document.members] == [
        ("a/details.csv", b"Hire,40")
    ]


def test_scan_with_a_stamp_is_recognised(read: Read) -> None:
    """The stamp, which is text, is read once."""
    scan = image_file("JPEG", [text_image("Hall 4711 is closed")])
    picture = b"<</Type/XObject/Subtype/Image/Width 500/Height 500/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode"
    content = b"q 400 0 0 400 0 0 cm /I Do Q BT /F 10 Tf 20 380 Td (Received in archive 3, page 1) Tj ET"
    document = read(
        "stamp",
        pdf(
            content,
            picture + b"/Length %d>>stream\n%s\nendstream" % (len(scan), scan),
            resources=b"/XObject<</I 6 0 R>>",
        ),
    )
    assert [element.text for element in document.elements] == [
        "Received in archive 3, page 1",
        "Hall 4711 is closed",
    ]
    assert document.elements[0].confidence == 100 > document.elements[1].confidence > 80


def test_letters_that_mean_nothing_are_recognised_by_ocr(read: Read) -> None:
    """Each letter is mapped to the next one, so that all are printable."""
    words = "The harbour master lends the small boats to the members of the club until the evening"
    shifted = stream(
        b"1 begincodespacerange <00><FF> endcodespacerange 1 beginbfrange <20><7E><0021> endbfrange"
    )
    lines = b"".join(b"(%s) Tj 0 -40 Td " % part.encode() for part in (words[:30], words[30:60], words[60:]))
    document = read("shifted", pdf(b"BT /F 24 Tf 10 300 Td %sET" % lines, shifted, font=b"/ToUnicode 6 0 R"))
    assert "harbour master" in texts(document)


def test_comments_have_their_author_and_cut_no_paragraph(read: Read) -> None:
    document = read(
        "comments",
        pdf(
            b"BT /F 10 Tf 20 300 Td (The price is) Tj 0 -12 Td (forty euros.) Tj ET",
            b"<</Type/Annot/Subtype/Text/Rect[20 290 40 302]/Contents(Is it right?)/T(Ada)>>",
            page=b"/Annots[6 0 R]",
        ),
    )
    assert outline(document) == [
        ("text", "The price is forty euros."),
        ("comment", "Comment by Ada: Is it right?"),
    ]


def test_file_that_is_attached_to_a_place_is_a_member(read: Read) -> None:
    document = read(
        "place",
        pdf(
            b"BT /F 10 Tf 20 300 Td (See the file.) Tj ET",
            b"<</Type/Annot/Subtype/FileAttachment/Rect[20 290 40 302]/FS 7 0 R>>",
            b"<</Type/Filespec/F(a.txt)/UF(a.txt)/EF<</F 8 0 R>>>>",
            stream(b"Gate code 7719"),
            page=b"/Annots[6 0 R]",
        ),
    )
    assert [(member.name, member.path.read_bytes()) for member in document.members] == [
        ("a.txt", b"Gate code 7719")
    ]


def test_part_of_a_page_without_meaning_is_recognised_by_ocr(read: Read) -> None:
    meaningless = stream(
        b"1 begincodespacerange <00><FF> endcodespacerange 1 beginbfrange <20><7E><E020> endbfrange"
    )
    other = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>"
    data = pdf(
        drawn(20, 350, "The plan of the harbour is on the wall.")
        + b"BT /G 30 Tf 20 200 Td (Hidden meaning) Tj ET",
        meaningless,
        other,
    ).replace(b"/Font<</F 5 0 R>>>>", b"/Font<</F 5 0 R/G 7 0 R>>>>", 2)
    assert texts(read("part", data)).split("\n") == [
        "The plan of the harbour is on the wall.",
        "Hidden meaning",
    ]


def test_bullets_of_a_font_for_symbols_are_no_letters_without_meaning(read: Read) -> None:
    symbols = stream(b"1 begincodespacerange <00><FF> endcodespacerange 1 beginbfchar <2A> <F0B7> endbfchar")
    items = b"".join(b"(* %s) Tj 0 -20 Td " % item for item in (b"Hall", b"Tower", b"Gate"))
    document = read("symbols", pdf(b"BT /F 10 Tf 40 300 Td %sET" % items, symbols, font=b"/ToUnicode 6 0 R"))
    assert outline(document) == [("list_item", item) for item in ("Hall", "Tower", "Gate")]
