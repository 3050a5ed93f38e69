"""Plain text, and formats that are read as such."""

from __future__ import annotations

from engines.parsing.format import Format, text_format

PLAIN = "text/plain"
READER = "engines.parsing.text.read_plain"
FORMATS: tuple[Format, ...] = (
    text_format(PLAIN, READER, "Text", ".txt", ".text", ".log", group="text"),
    text_format("application/yaml", READER, "YAML", ".yaml", ".yml"),
)
