"""reStructuredText."""

from __future__ import annotations

from engines.parsing.format import Format, text_format

FORMATS: tuple[Format, ...] = (
    text_format(
        "text/x-rst",
        "engines.parsing.markup.rst.read",
        "reStructuredText",
        *(".rst", ".rest"),
        version=2,
        detected_as=("rst",),
    ),
)
