"""OCR of images, scans and images inside documents."""

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
from PIL import Image, ImageDraw, ImageFont

from engines.parsing import ParseError
from engines.parsing.job import Limits
from engines.parsing.process import ParserProcess
from engines.parsing.process_pool import PooledParser
from knowledge.engine_config import parser_config
from tests.engines.reading import Read, image_file, text_image, texts


def test_text_in_an_image_is_recognised(read: Read) -> None:
    assert "4711" in texts(read("scan.jpg", image_file("PNG", [text_image("Invoice 4711")])))


def test_avif_image_is_recognised(read: Read) -> None:
    assert "4716" in texts(read("photo", image_file("AVIF", [text_image("Invoice 4716")])))


@pytest.mark.parametrize("degrees", [90, 180])
def test_rotated_page_is_read_in_order(read: Read, degrees: int) -> None:
    page = text_image("Invoice 4713\nto be paid").rotate(degrees)
    words = texts(read("scan", image_file("PNG", [page]))).split()
    assert words == ["Invoice", "4713", "to", "be", "paid"]


def test_images_are_recognised_on_slides(read: Read) -> None:
    slides, out = pptx.Presentation(), io.BytesIO()
    for words, title in (("Beside", "A title that says much"), ("Shown", "")):
        slide = slides.slides.add_slide(slides.slide_layouts[5])
        slide.shapes.title.text = title
        slide.shapes.add_picture(io.BytesIO(image_file("PNG", [text_image(words)])), 0, 0)
    slides.save(out)
    document = read("deck", out.getvalue())
    assert [(element.text, element.page) for element in document.elements] == [
        ("A title that says much", 1),
        ("Beside", 1),
        ("Shown", 2),
    ]


def test_image_in_word_is_recognised(read: Read) -> None:
    source, out = docx.Document(), io.BytesIO()
    source.add_picture(io.BytesIO(image_file("PNG", [text_image("Pasted 4714")])))
    source.save(out)
    assert "4714" in texts(read("scan", out.getvalue()))


@pytest.mark.parametrize("format", ["PDF", "TIFF"])
def test_scan_has_pages(read: Read, format: str) -> None:
    document = read("scan", image_file(format, [text_image("First"), text_image("Second")]))
    assert [(element.text, element.page) for element in document.elements] == [("First", 1), ("Second", 2)]
    assert document.metadata["page_count"] == 2


def test_timeout_restarts_with_each_scanned_page(tmp_path: Path) -> None:
    """The limit holds for each page, not for the file."""
    process = ParserProcess(Limits(seconds=50, memory_mb=1536, output_mb=9, text_mb=9, ocr_pages=99))
    try:
        for _ in range(2):  # loads the models, in the child and then in the process that stays
            parse_scan(process, tmp_path, 1)
        started = time.monotonic()
        parse_scan(process, tmp_path, 1)
        page = time.monotonic() - started
        seconds = max(1, math.ceil(2.5 * page))
        process.limits = Limits(seconds=seconds, memory_mb=1536, output_mb=9, text_mb=9, ocr_pages=99)
        pages = min(99, math.ceil(1.6 * seconds / page))
        assert parse_scan(process, tmp_path, pages) == pages
    finally:
        process.kill()


def parse_scan(process: ParserProcess, folder: Path, pages: int) -> int:
    """Parse a scan, and return the number of pages with text."""
    path = folder / f"{pages}"
    path.write_bytes(image_file("PDF", [text_image(f"Page {number}") for number in range(pages)]))
    document = process.parse(uuid4(), path, filename="scan.pdf", workdir=folder)
    return len({element.page for element in document.elements})


def test_too_many_scanned_pages_are_refused_at_once(tmp_path: Path) -> None:
    with override_settings(PARSER_OCR_PAGES=2, PARSER_PROCESSES=1):
        parser = PooledParser(parser_config())
    (tmp_path / "1").write_bytes(image_file("PDF", [text_image("Page")] * 3))
    with pytest.raises(ParseError) as caught:
        parser.parse(uuid4(), tmp_path / "1", filename="scan.pdf", workdir=tmp_path)
    parser.close()
    assert caught.value.code == "ocr_too_long"
    assert "3 scanned pages" in caught.value.detail
    assert "PARSER_OCR_PAGES" in caught.value.detail


def test_text_that_is_not_recognised_is_no_text(read: Read) -> None:
    """The model does not know Cyrillic letters."""
    scan = Path(__file__).parents[1] / "proof/reading/own/russian-scan.png"
    with pytest.raises(ParseError) as caught:
        read("scan.png", scan.read_bytes())
    assert caught.value.code == "no_text"


def test_columns_and_tables_of_scans(read: Read) -> None:
    image = Image.new("RGB", (900, 400), "white")
    font = ImageFont.load_default(28)
    rows = ("Part", "Stock", "Price"), ("P-1", "12", "4.50"), ("P-2", "45", "9.00")
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            ImageDraw.Draw(image).text((40 + 260 * column, 60 + 60 * row), cell, "black", font)
    document = read("scan.png", image_file("PNG", [image]))
    assert texts(document) == "Part | Stock | Price\nP-1 | 12 | 4.50\nP-2 | 45 | 9.00"
    assert 80 < document.elements[0].confidence < 100
