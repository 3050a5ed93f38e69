"""Org."""

from __future__ import annotations

from engines.parsing.format import Format, text_format

FORMATS: tuple[Format, ...] = (
    text_format(
        "text/x-org", "engines.parsing.markup.org.read", "Org", ".org", name="Org document", version=2
    ),
)
