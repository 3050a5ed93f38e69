"""RTF: code pages, lists, tables, notes at their marks, and what stands outside of the text."""

from __future__ import annotations

import struct

import pytest

from engines.parsing import ElementKind
from tests.engines.reading import Read, image_file, outline, text_image


def rtf(body: bytes, head: bytes = b"\\ansi") -> bytes:
    return b"{\\rtf1" + head + b" " + body + b"}"


@pytest.mark.parametrize(
    ("head", "body", "words"),
    [
        (rb"\ansi\ansicpg1250", rb"za\'bf\'f3\'b3\'e6", "zażółć"),
        (rb"\ansi\ansicpg1251", "Договор".encode("cp1251"), "Договор"),
        (rb"\ansi\ansicpg932", "予定表です".encode("cp932"), "予定表です"),
        (
            rb"\ansi\deff0{\fonttbl{\f0\fcharset204 Arial;}{\f1\fcharset0 Arial;}}",
            rb"\f0 \'c4\'ee\'e3\f1  M\'fcller",
            "Дог Müller",
        ),
        (rb"\ansi", rb"\uc1\u8364?20 \u-10179?\u-9158?", "€20 🐺"),
    ],
)
def test_code_pages(read: Read, head: bytes, body: bytes, words: str) -> None:
    assert outline(read("a.rtf", rtf(body + rb"\par", head))) == [("text", words)]


def test_notes_and_comments_follow_what_has_their_mark(read: Read) -> None:
    note = rb"{\super\chftn}{\footnote\pard\plain {\super\chftn} The note.}"
    comment = rb"{\*\atnid AL}{\*\atnauthor Ada}\chatn{\*\annotation{\*\atnref 1}\pard\plain A remark.}"
    document = read("a.rtf", rtf(b"One word" + note + b" goes on." + comment + rb"\par Two.\par"))
    assert outline(document) == [
        ("text", "One word goes on."),
        ("note", "The note."),
        ("comment", "Comment by Ada: A remark."),
        ("text", "Two."),
    ]


def test_headers_and_footers_are_read_once(read: Read) -> None:
    head = rb"{\header Annual report\par}{\headerf Annual report\par}{\footer Internal\par}"
    document = read("a.rtf", rtf(head + rb"Body.\par"))
    assert outline(document) == [("header", "Annual report"), ("text", "Body."), ("footer", "Internal")]


def test_hidden_and_deleted_text_is_left_out(read: Read) -> None:
    styles = rb"{\stylesheet{\s1\v Unseen;}}"
    body = rb"Seen {\v secret }words {\deleted pass\u233\'e9\emdash}{\revised new}.\par\pard\s1 unseen\par\pard Last.\par"
    document = read("a.rtf", rtf(styles + body))
    assert outline(document) == [("text", "Seen words new."), ("text", "Last.")]
    assert document.metadata["hidden_parts"] == 2


def test_lists_have_their_numbers(read: Read) -> None:
    level = rb"{\listlevel\levelnfc0\levelstartat3{\leveltext\'02\'00.;}{\levelnumbers\'01;}}"
    lists = rb"{\*\listtable{\list\listtemplateid1" + level + rb"\listid1}}"
    lists += rb"{\*\listoverridetable{\listoverride\listid1\listoverridecount0\ls1}}"
    items = rb"{\listtext 3.\tab}\pard\ls1\ilvl0 Third\par{\listtext 4.\tab}\pard\ls1\ilvl0 Fourth\par\pard End.\par"
    document = read("a.rtf", rtf(lists + items))
    assert outline(document) == [("list_item", "3. Third"), ("list_item", "4. Fourth"), ("text", "End.")]


def test_merged_cells_are_expanded(read: Read) -> None:
    rows = (
        rb"\trowd\trhdr\cellx1000\cellx2000 Boat\cell Owner\cell\row"
        rb"\trowd\clvmgf\cellx1000\cellx2000 Heron\cell Anna\cell\row"
        rb"\trowd\clvmrg\cellx1000\cellx2000\cell Bella\cell\row\pard After.\par"
    )
    table, after = read("a.rtf", rtf(rows)).elements
    assert (table.text, table.header_rows) == ("Boat | Owner\nHeron | Anna\nHeron | Bella", 1)
    assert after.text == "After."


def test_text_boxes_are_paragraphs_of_their_own(read: Read) -> None:
    box = rb"{\shp{\*\shpinst{\sp{\sn x}{\sv 1}}{\shptxt\pard Box text\par}}{\shprslt\pard Box text\par}}"
    document = read("a.rtf", rtf(b"Before" + box + rb" and after.\par"))
    assert outline(document) == [("text", "Before and after."), ("text", "Box text")]


def test_properties_and_raised_figures(read: Read) -> None:
    document = read("a.rtf", rtf(rb"{\info{\title Plan}{\author J\'f6rg}}10{\super 3} m\par"))
    assert outline(document) == [("text", "10³ m")]
    assert (document.metadata["title"], document.metadata["author"]) == ("Plan", "Jörg")


def test_asterisk_within_a_group_hides_nothing(read: Read) -> None:
    assert outline(read("a.rtf", rtf(rb"{\b0\*\cs7\cf0 The quick fox}\par"))) == [("text", "The quick fox")]


def test_embedded_files_are_members(read: Read) -> None:
    packaged = struct.pack("<H", 2) + b"notes.txt\0C:\\notes.txt\0" + struct.pack("<HHI", 0, 3, 4) + b"tmp\0"
    packaged += struct.pack("<I", 9) + b"Oak posts"
    data = (
        struct.pack("<III", 0x501, 2, 8)
        + b"Package\0"
        + bytes(8)
        + struct.pack("<I", len(packaged))
        + packaged
    )
    objects = (
        rb"{\object\objemb{\*\objclass Package}{\*\objdata " + data.hex().encode() + rb"}{\result picture}}"
    )
    document = read("a.rtf", rtf(b"See " + objects + rb".\par"))
    assert [(m.name, m.path.read_bytes()) for m in document.members] == [("notes.txt", b"Oak posts")]


def test_braces_too_many_are_no_damage(read: Read) -> None:
    document = read("a.rtf", rtf(rb"First.\par}} Second.\par"))
    assert document.elements[0].kind is ElementKind.TEXT
    assert document.elements[0].text == "First."


def test_table_in_a_cell_stays_in_it(read: Read) -> None:
    inner = (
        rb"\pard\intbl\itap2 a\nestcell{\nonesttables\par}\pard\intbl\itap2 b\nestcell{\nonesttables\par}"
        rb"{\*\nesttableprops\trowd\cellx500\cellx900\nestrow}{\nonesttables\par}"
    )
    rows = (
        rb"\trowd\cellx1000\cellx2000\pard\intbl "
        + inner
        + rb"\pard\intbl\itap1 x\cell y\cell\row\pard After.\par"
    )
    table, after = read("a.rtf", rtf(rows)).elements
    assert [sorted(cell.split()) for cell in table.text.split(" | ")] == [["a,", "b", "x"], ["y"]]
    assert after.text == "After."


def test_table_in_tables_that_are_not_there_is_read(read: Read) -> None:
    rows = (
        rb"\trowd\cellx5000\pard\intbl\itap2 Outer\par\pard\intbl\itap5 Deep\nestcell"
        rb"{\*\nesttableprops\trowd\cellx4000\nestrow}\pard\intbl\itap2 Inner\nestcell"
        rb"{\*\nesttableprops\trowd\cellx4000\nestrow}\pard\intbl\itap1 Last\cell\row\pard After.\par"
    )
    table, after = read("a.rtf", rtf(rows)).elements
    assert sorted(table.text.split()) == ["Deep", "Inner", "Last", "Outer"]
    assert after.text == "After."


def test_pictures_are_recognised(read: Read) -> None:
    picture = image_file("PNG", [text_image("Oak posts 4711")]).hex().encode()
    document = read(
        "a.rtf", rtf(rb"Before.\par{\pict\pngblip\picw500\pich500 " + picture + rb"}\par After.\par")
    )
    assert [element.text for element in document.elements] == ["Before.", "Oak posts 4711", "After."]


def test_bullets_that_are_written_make_list_items(read: Read) -> None:
    document = read("a.rtf", rtf(rb"\pard\bullet\tab Oak\par\pard\bullet\tab Ash\par"))
    assert outline(document) == [("list_item", "Oak"), ("list_item", "Ash")]
