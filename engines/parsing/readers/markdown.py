"""Markdown."""

from __future__ import annotations

from engines.parsing.format import Format, text_format

FORMATS: tuple[Format, ...] = (
    text_format(
        "text/markdown",
        "engines.parsing.markup.markdown.read",
        "Markdown",
        *(".md", ".markdown", ".mdx", ".mdown", ".mkd", ".qmd", ".rmd"),
        version=3,
        detected_as=("markdown",),
    ),
)
