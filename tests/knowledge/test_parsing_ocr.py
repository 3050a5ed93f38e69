"""Text in pictures is recognised, however many there are."""

from __future__ import annotations

import io
import math
import time
from pathlib import Path
from uuid import uuid4

import docx
import pptx
import pytest
from django.test import override_settings

from engines.parsing import ParseError
from engines.parsing.job import Limits
from engines.parsing.process import ParserProcess
from engines.parsing.process_pool import PooledParser
from knowledge.engine_config import parser_config
from tests.knowledge.reading import Read, picture, saved, texts


def test_text_in_a_picture_is_recognised(read: Read) -> None:
    assert "4711" in texts(read("scan.jpg", saved("PNG", [picture("Invoice 4711")])))


def test_a_phone_s_picture_is_recognised(read: Read) -> None:
    assert "4712" in texts(read("photo", saved("HEIF", [picture("Invoice 4712")])))


@pytest.mark.parametrize("degrees", [90, 180])
def test_a_turned_page_is_read_in_order(read: Read, degrees: int) -> None:
    page = picture("Invoice 4713\nto be paid").rotate(degrees)
    words = texts(read("scan", saved("PNG", [page]))).split()
    assert words == ["Invoice", "4713", "to", "be", "paid"]


def test_pictures_are_recognised_where_a_slide_has_nothing_else(read: Read) -> None:
    slides, out = pptx.Presentation(), io.BytesIO()
    for words, title in (("Unsaid", "A title that says enough"), ("Shown", "")):
        slide = slides.slides.add_slide(slides.slide_layouts[5])
        slide.shapes.title.text = title
        slide.shapes.add_picture(io.BytesIO(saved("PNG", [picture(words)])), 0, 0)
    slides.save(out)
    document = read("deck", out.getvalue())
    assert [(element.text, element.page) for element in document.elements] == [
        ("A title that says enough", 1),
        ("Shown", 2),
    ]


def test_a_picture_pasted_into_word_is_recognised(read: Read) -> None:
    source, out = docx.Document(), io.BytesIO()
    source.add_picture(io.BytesIO(saved("PNG", [picture("Pasted 4714")])))
    source.save(out)
    assert "4714" in texts(read("scan", out.getvalue()))


@pytest.mark.parametrize("format", ["PDF", "TIFF"])
def test_a_scan_has_pages(read: Read, format: str) -> None:
    document = read("scan", saved(format, [picture("First"), picture("Second")]))
    assert [(element.text, element.page) for element in document.elements] == [("First", 1), ("Second", 2)]
    assert document.metadata["page_count"] == 2


def test_a_long_scan_takes_the_time_it_needs(tmp_path: Path) -> None:
    """The limit holds for each page, not for the file."""
    process = ParserProcess(Limits(seconds=50, memory_mb=1536, output_mb=9, text_mb=9, ocr_pages=99))
    try:
        ask(process, tmp_path, 1)  # loads the models
        started = time.monotonic()
        ask(process, tmp_path, 1)
        page = time.monotonic() - started
        seconds = max(1, math.ceil(2.5 * page))
        process.limits = Limits(seconds=seconds, memory_mb=1536, output_mb=9, text_mb=9, ocr_pages=99)
        pages = min(99, math.ceil(1.6 * seconds / page))
        assert ask(process, tmp_path, pages) == pages
    finally:
        process.kill()


def ask(process: ParserProcess, folder: Path, pages: int) -> int:
    """How many of the scan's pages were recognised."""
    path = folder / f"{pages}"
    path.write_bytes(saved("PDF", [picture(f"Page {number}") for number in range(pages)]))
    answer = process.ask({"path": str(path), "filename": "scan", "workdir": str(folder)})
    return len({page for _, _, page, _ in answer["elements"]})


def test_a_scan_of_too_many_pages_is_refused_at_once(tmp_path: Path) -> None:
    with override_settings(PARSER_OCR_PAGES=2, PARSER_PROCESSES=1):
        parser = PooledParser(parser_config())
    (tmp_path / "1").write_bytes(saved("PDF", [picture("Page")] * 3))
    with pytest.raises(ParseError) as caught:
        parser.parse(uuid4(), tmp_path / "1", filename="scan.pdf", workdir=tmp_path)
    parser.close()
    assert caught.value.code == "ocr_too_long"
    assert "3 scanned pages" in caught.value.detail
    assert "PARSER_OCR_PAGES" in caught.value.detail
