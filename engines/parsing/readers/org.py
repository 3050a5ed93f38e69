"""Org."""

from __future__ import annotations

from engines.parsing.format import Format, text_format

ORG = "text/x-org"
FORMATS: tuple[Format, ...] = (
    text_format(ORG, "engines.parsing.pandoc.read", "Org", ".org", name="Org document", starts_programs=True),
)
