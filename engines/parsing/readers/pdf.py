"""PDF."""

from __future__ import annotations

from engines.parsing.format import Format, binary_format

PDF = "application/pdf"
FORMATS: tuple[Format, ...] = (
    binary_format(
        PDF,
        "engines.parsing.pdf.reader.read",
        "PDF",
        "pdf",
        name="PDF",
        drawer="engines.parsing.pdf.drawing.draw",
        version=3,
    ),
)
