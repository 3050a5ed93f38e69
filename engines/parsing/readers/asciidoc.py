"""AsciiDoc."""

from __future__ import annotations

from engines.parsing.format import Format, text_format

FORMATS: tuple[Format, ...] = (
    text_format(
        "text/asciidoc",
        "engines.parsing.markup.asciidoc.read",
        "AsciiDoc",
        *(".adoc", ".asciidoc", ".asc"),
        detected_as=("asciidoc",),
    ),
)
