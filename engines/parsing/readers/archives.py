"""Archives."""

from __future__ import annotations

from engines.parsing.format import Format, binary_format

ZIP = "application/zip"
FORMATS: tuple[Format, ...] = (
    binary_format(
        ZIP, "engines.parsing.archive.read", "ZIP", "zip", name="zip archive", group="zip archives"
    ),
)
