"""RTF."""

from __future__ import annotations

from engines.parsing.format import Format, binary_format

RTF = "application/rtf"
FORMATS: tuple[Format, ...] = (
    binary_format(
        RTF,
        "engines.parsing.office.rtf.read",
        "RTF",
        "rtf",
        name="RTF document",
        version=3,
        signature=rb"\s*\{\\rtf",
    ),
)
