"""Files of formats that the suite does not write itself: `tests/files`."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from tests.engines.reading import Read, outline, texts

FILES = Path(settings.BASE_DIR) / "tests" / "files"
BOOK = [
    ("title", "Spring"),
    ("text", "In spring the queen lays up to two thousand eggs a day."),
    ("list_item", "Check the food."),
    ("list_item", "Clean the floor."),
    ("title", "Varroa"),
    ("table", "Month | Treatment\nAugust | formic acid\nDecember | oxalic acid"),
]


@pytest.mark.parametrize("name", ["hive-book.odt", "hive-book.epub"])
def test_headings_lists_and_tables(read: Read, name: str) -> None:
    document = read(name, (FILES / name).read_bytes())
    assert outline(document)[-len(BOOK) :] == BOOK
    assert "Ada Beekeeper" in texts(document)


def test_old_excel_workbook_is_read(read: Read) -> None:
    document = read("harvest.xls", (FILES / "harvest.xls").read_bytes())
    assert outline(document) == [
        ("title", "Harvest"),
        ("table", "Hive | Honey in kg | Harvested\nHive 7 | 12.5 | 2026-07-01\nHive 8 | 9 | 2026-07-02"),
        ("title", "Prices"),
        ("table", "Jar | Price\n500 g | 7.9"),
    ]


def test_outlook_message(read: Read) -> None:
    document = read("inspection.msg", (FILES / "inspection.msg").read_bytes())
    assert outline(document)[0] == ("title", "Inspection of hive 7")
    assert "hive 7 has a new queen, marked blue." in texts(document)
    assert document.metadata["author"] == "Ada Beekeeper <ada@example.org>"
    (attachment,) = document.members
    assert (attachment.name, attachment.path.read_text().splitlines()[0]) == ("hive-log.md", "# Hive log")


def test_columns_are_read_one_after_the_other(read: Read) -> None:
    text = " ".join(texts(read("two-columns.pdf", (FILES / "two-columns.pdf").read_bytes())).split())
    assert "leaves with the old queen on a warm day in May. In summer the honey is taken." in text


def test_scan_is_recognised(read: Read) -> None:
    text = " ".join(texts(read("scan.pdf", (FILES / "scan.pdf").read_bytes())).split())
    assert text.startswith("Letter to all beekeepers")
    assert "12 June 2026 at seven in the evening" in text


def test_heic_photo_is_recognised(read: Read) -> None:
    assert "4712" in texts(read("photo", (FILES / "photo.heic").read_bytes()))
