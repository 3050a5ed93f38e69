"""EPUB."""

from __future__ import annotations

from engines.parsing.format import Format, binary_format

EPUB = "application/epub+zip"
FORMATS: tuple[Format, ...] = (
    binary_format(
        EPUB,
        "engines.parsing.markup.epub.read",
        "EPUB",
        "epub",
        name="EPUB book",
        packages=(EPUB, "application/x-ibooks+zip"),
        version=2,
    ),
)
