"""Plain text."""

from __future__ import annotations

from engines.parsing.format import Format, text_format

PLAIN = "text/plain"
FORMATS: tuple[Format, ...] = (
    text_format(
        PLAIN, "engines.parsing.texts.text.read_plain", "Text", ".txt", ".text", group="text", version=2
    ),
)
