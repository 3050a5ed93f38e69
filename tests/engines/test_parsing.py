"""Every format is parsed, and detected by its content."""

from __future__ import annotations

import io
import json
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest

from core.error_codes import ERROR_CODES
from engines.parsing import ElementKind, ParseError
from tests.engines.reading import Read, outline, pdf, texts, zipped


def error_code(read: Read, name: str, data: bytes) -> str:
    with pytest.raises(ParseError) as caught:
        read(name, data)
    assert caught.value.code in ERROR_CODES
    assert len(caught.value.detail) > 20
    return caught.value.code


def test_plain_text_has_paragraphs_and_list_items(read: Read) -> None:
    document = read("a.txt", b"First line\nsecond line.\n\n- one\n- two\n")
    assert document.mime_type == "text/plain"
    assert outline(document) == [
        ("text", "First line\nsecond line."),
        ("list_item", "- one"),
        ("list_item", "- two"),
    ]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8-sig", "Grüße aus Köln"),
        ("utf-16", "Grüße aus Köln"),
        ("utf-16-be", "Greetings from Köln"),
        ("utf-16-le", "Greetings from Köln"),
        ("utf-32", "Grüße aus Köln"),
        ("cp1252", "The café’s menu was long and its owner always kind to us."),
        ("shift_jis", "名前と年齢と住所を書いてください。東京都の人口は多い。"),
        ("iso2022_jp", "すみません、もう一度お願いします。"),
    ],
)
def test_text_is_decoded_from_any_encoding(read: Read, encoding: str, text: str) -> None:
    assert texts(read("a.txt", text.encode(encoding))) == text


def test_characters_postgresql_refuses_are_removed(read: Read) -> None:
    document = read("a.md", b"---\ntitle: a\x01b\n---\nzero\x00 bell\x07 end\n" + b"words " * 100)
    assert texts(document).startswith("zero bell end")
    assert document.metadata["title"] == "ab"


def test_csv_delimiter_is_detected(read: Read) -> None:
    document = read("a.csv", 'name;note\nÄpfel;"rot; süß"\n'.encode())
    assert outline(document) == [("table", "name | note\nÄpfel | rot; süß")]


def test_json_records_become_name_value_lines(read: Read) -> None:
    document = read("a.json", json.dumps([{"name": "Ann", "at": {"city": "Rome"}}, {"name": "Bo"}]).encode())
    assert [element.text for element in document.elements] == ["name: Ann\nat.city: Rome", "name: Bo"]


def test_notebook_cells_become_elements(read: Read) -> None:
    notebook = {
        "cells": [
            {"cell_type": "markdown", "source": ["# Title\n"]},
            {"cell_type": "code", "source": ["print(1)"]},
        ]
    }
    assert outline(read("a.ipynb", json.dumps(notebook).encode())) == [
        ("title", "Title"),
        ("code", "print(1)"),
    ]


def test_invalid_json_is_read_as_text(read: Read) -> None:
    assert read("a.json", b'{"half": ').mime_type == "text/plain"


def test_xml_entities_are_not_expanded(read: Read) -> None:
    data = b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d><name>N</name><p>a &x;b</p></d>'
    document = read("a.xml", data)
    assert outline(document) == [("title", "N"), ("text", "a b")]


def test_pdf_has_titles_and_joins_divided_words(read: Read) -> None:
    content = (
        b"BT /F 24 Tf 20 350 Td (Annual report) Tj ET BT /F 10 Tf 20 300 Td 12 TL "
        b"(The company has grown in every coun-) Tj T* (try where it sells its many fine goods.) Tj ET"
    )
    document = read("a.pdf", pdf(content))
    assert document.metadata["page_count"] == 1
    assert [(e.kind, e.text, e.page, e.level) for e in document.elements] == [
        (ElementKind.TITLE, "Annual report", 1, 1),
        (
            ElementKind.TEXT,
            "The company has grown in every country where it sells its many fine goods.",
            1,
            0,
        ),
    ]


def test_xlsx_sheets_are_pages(read: Read) -> None:
    from openpyxl import Workbook

    book, out = Workbook(), io.BytesIO()
    book.active.title = "Fruit"
    for row in (["name", "price"], ["apple", 1.5], [], ["total", 3.0]):
        book.active.append(row)
    book.create_sheet("Empty")
    book.save(out)
    document = read("a.xlsx", out.getvalue())
    assert [(e.kind, e.text, e.page) for e in document.elements] == [
        (ElementKind.TITLE, "Fruit", 1),
        (ElementKind.TABLE, "name | price\napple | 1.5", 1),
        (ElementKind.TABLE, "total | 3", 1),
    ]


def test_docx_has_titles_items_and_tables(read: Read) -> None:
    import docx

    source, out = docx.Document(), io.BytesIO()
    source.core_properties.author = "Ann"
    source.add_heading("Handbook", 1)
    source.add_heading("Scope", 2)
    source.add_paragraph("It applies to all.")
    source.add_paragraph("first point", style="List Bullet")
    table = source.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "a", "b"
    source.save(out)
    document = read("a.docx", out.getvalue())
    assert [(e.kind, e.text, e.level) for e in document.elements] == [
        (ElementKind.TITLE, "Handbook", 1),
        (ElementKind.TITLE, "Scope", 2),
        (ElementKind.TEXT, "It applies to all.", 0),
        (ElementKind.LIST_ITEM, "first point", 0),
        (ElementKind.TABLE, "a | b", 0),
    ]
    assert document.metadata["author"] == "Ann"


def test_pptx_slides_are_pages_with_notes(read: Read) -> None:
    import pptx

    source, out = pptx.Presentation(), io.BytesIO()
    for title in ("One", "Two"):
        slide = source.slides.add_slide(source.slide_layouts[5])
        slide.shapes.title.text = title
    slide.notes_slide.notes_text_frame.text = "Speak slowly here."
    source.save(out)
    document = read("a.pptx", out.getvalue())
    assert ("One", 1) in [(e.text, e.page) for e in document.elements if e.kind is ElementKind.TITLE]
    assert ("Two", 2) in [(e.text, e.page) for e in document.elements if e.kind is ElementKind.TITLE]
    assert "Speak slowly here." in texts(document)


def test_rtf_is_read(read: Read) -> None:
    assert "Plain words" in texts(read("a.rtf", rb"{\rtf1\ansi Plain words here.\par}"))


def test_org_does_not_include_files(read: Read) -> None:
    document = read("a.org", b'* Heading\n#+INCLUDE: "/etc/passwd"\nBody text.\n')
    assert outline(document) == [("title", "Heading"), ("text", "Body text.")]


def test_mail_has_headers_body_and_attachments(read: Read) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "Größe", "Ann <ann@example.org>", "bo@example.org"
    mail["Date"] = "Fri, 23 Dec 2022 12:08:48 -0600"
    mail.set_content("Hello Bo.\n")
    mail.add_alternative("<p>Hello <b>Bo</b>.</p>", subtype="html")
    mail.add_attachment(b"a,b\n", maintype="text", subtype="csv", filename="../../tmp/data.csv")
    document = read("a.eml", mail.as_bytes())
    assert outline(document)[0] == ("title", "Größe")
    assert "From: Ann <ann@example.org>" in document.elements[1].text
    assert [e.text for e in document.elements[2:]] == ["Hello Bo."]
    assert document.metadata["created"] == "2022-12-23T12:08:48-06:00"
    assert [(m.name, m.path.read_bytes()) for m in document.members] == [("tmp/data.csv", b"a,b\n")]


def test_zip_members_have_safe_names(read: Read, tmp_path: Path) -> None:
    entries = {
        "../../up.txt": b"1",
        "/abs.txt": b"2",
        "..\\w.txt": b"3",
        "__MACOSX/x": b"4",
        "d/": b"",
        "ü/a.txt": b"5",
    }
    document = read("a.zip", zipped(entries))
    assert [m.name for m in document.members] == ["up.txt", "abs.txt", "w.txt", "ü/a.txt"]
    assert [m.path.read_bytes() for m in document.members] == [b"1", b"2", b"3", b"5"]
    assert all(m.path.resolve().is_relative_to(tmp_path / "work") for m in document.members)


def test_members_with_the_same_name_are_numbered(read: Read) -> None:
    document = read("a.zip", zipped({"a/../x.txt": b"1", "/a/x.txt": b"2"}))
    assert [m.name for m in document.members] == ["a/x.txt", "a/x (2).txt"]


def test_symlinks_in_zips_are_skipped(read: Read) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("link.txt")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("ok.txt", "fine")
    document = read("a.zip", out.getvalue())
    assert [m.name for m in document.members] == ["ok.txt"]
    assert document.metadata["skipped_links"] == ["link.txt"]


@pytest.mark.parametrize(
    ("name", "data", "mime_type"),
    [
        ("report.txt", pdf(b"BT /F 12 Tf 9 9 Td (A text) Tj ET"), "application/pdf"),
        ("picture.pdf", b"<!DOCTYPE html><p>words</p>", "text/html"),
        ("page.docx", b"Just some words.", "text/plain"),
        ("noname", b"Received: by x\nMIME-Version: 1.0\nSubject: s\nFrom: a@b.c\n\nhi\n", "message/rfc822"),
        ("data", b'{"a": "b"}', "application/json"),
    ],
)
def test_type_is_detected_by_content(read: Read, name: str, data: bytes, mime_type: str) -> None:
    assert read(name, data).mime_type == mime_type


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.txt", b"", "empty_file"),
        ("a.txt", b"\0" * 1000, "empty_file"),
        ("a.txt", b" \n\t\n", "no_text"),
        ("a.html", b"<script>alert(1)</script>", "no_text"),
        ("a.vtt", b"WEBVTT\n\nNOTE by Ada\n", "no_text"),
        ("a.pdf", pdf(b""), "no_text"),
        ("a.pdf", b"%PDF-1.7\n garbage", "corrupt_file"),
        ("a.docx", zipped({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}), "corrupt_file"),
        ("a.docx", zipped({"a.txt": b"x" * 5000})[:60], "corrupt_file"),
        ("a.html", b"<div>" * 50_000 + b"text", "too_deep"),
        ("a.json", b"[" * 50_000 + b"]" * 50_000, "too_deep"),
        (
            "a.docx",
            b"\0" + zipped({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"})[1:],
            "corrupt_file",
        ),
        ("a.mp3", b"ID3\x04\x00\x00\x00\x00\x00\x00" + bytes(range(256)) * 8, "unsupported_type"),
        ("a.pdf", b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 8, "unsupported_type"),
        ("a.zip", zipped({"zeros.txt": b"0" * (20 << 20)}), "archive_too_large"),
        ("a.zip", zipped({f"{n}.txt": b"" for n in range(10_001)}), "archive_too_large"),
    ],
    # Archives contain the current time, and the ids must be the same in all of pytest-xdist's processes.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unreadable_files_have_error_codes(read: Read, name: str, data: bytes, code: str) -> None:
    assert error_code(read, name, data) == code


def test_encrypted_zip_is_refused(read: Read) -> None:
    data = bytearray(zipped({"a.txt": b"secret"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    assert error_code(read, "a.zip", bytes(data)) == "password_protected"


def test_image_size_is_checked_by_header(read: Read) -> None:
    import struct
    import zlib

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", len(head)) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    rest = struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    assert error_code(read, "a.png", b"\x89PNG\r\n\x1a\n" + chunk + rest) == "image_too_large"
