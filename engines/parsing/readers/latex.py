"""LaTeX."""

from __future__ import annotations

from engines.parsing.format import Format, text_format

FORMATS: tuple[Format, ...] = (
    text_format(
        "application/x-latex",
        "engines.parsing.markup.latex.read",
        "LaTeX",
        *(".tex", ".latex", ".ltx"),
        name="LaTeX document",
        detected_as=("latex",),
    ),
)
