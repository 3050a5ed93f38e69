"""Drawing pages of PDFs and pictures."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image

from engines.parsing import ParseError, Parser

FILES = Path(__file__).parents[1] / "files"


def draw(parser: Parser, folder: Path, path: Path, name: str, page: int = 1) -> Image.Image:
    workdir = folder / "work"
    workdir.mkdir()
    drawn = parser.draw(uuid4(), path, filename=name, workdir=workdir, page=page)
    return Image.open(BytesIO(drawn.read_bytes()))


def test_pdf_page_is_a_small_picture(shared_parser: Parser, tmp_path: Path):
    picture = draw(shared_parser, tmp_path, FILES / "two-columns.pdf", "two-columns.pdf")
    assert picture.format == "WEBP" and max(picture.size) == 1600
    levels = picture.convert("L").histogram()
    assert any(levels[:100]) and any(levels[250:])  # letters on paper


def test_picture_is_turned_upright(shared_parser: Parser, tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    Image.new("RGB", (40, 20), "red").save(tmp_path / "photo.jpg", exif=exif)
    assert draw(shared_parser, tmp_path, tmp_path / "photo.jpg", "photo.jpg").size == (20, 40)


def test_each_page_of_a_scan_is_one(shared_parser: Parser, tmp_path: Path):
    pages = [Image.new("RGB", (10 * number, 10), "white") for number in (1, 2)]
    pages[0].save(tmp_path / "scan.tiff", save_all=True, append_images=pages[1:])
    assert draw(shared_parser, tmp_path, tmp_path / "scan.tiff", "scan.tiff", page=2).size == (20, 10)


@pytest.mark.parametrize(
    ("name", "page", "code"),
    [
        ("two-columns.pdf", 99, "no_picture"),
        ("photo.heic", 2, "no_picture"),
        ("hive-book.odt", 1, "no_picture"),
    ],
)
def test_what_has_no_picture_is_refused(
    name: str, page: int, code: str, shared_parser: Parser, tmp_path: Path
):
    with pytest.raises(ParseError) as refused:
        draw(shared_parser, tmp_path, FILES / name, name, page)
    assert refused.value.code == code


def test_broken_file_is_explained(shared_parser: Parser, tmp_path: Path):
    (tmp_path / "cut.pdf").write_bytes((FILES / "two-columns.pdf").read_bytes()[:500])
    with pytest.raises(ParseError) as refused:
        draw(shared_parser, tmp_path, tmp_path / "cut.pdf", "cut.pdf")
    assert refused.value.code == "corrupt_file"
