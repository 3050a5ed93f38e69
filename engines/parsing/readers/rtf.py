"""RTF."""

from __future__ import annotations

from engines.parsing.format import Format, binary_format

RTF = "application/rtf"
FORMATS: tuple[Format, ...] = (
    binary_format(
        RTF,
        "engines.parsing.pandoc.read",
        "RTF",
        "rtf",
        name="RTF document",
        starts_programs=True,
        signature=rb"\s*\{\\rtf",
    ),
)
