"""HTML."""

from __future__ import annotations

from engines.parsing.format import Format, text_format

HTML = "text/html"
FORMATS: tuple[Format, ...] = (
    text_format(
        HTML,
        "engines.parsing.markup.html.read",
        "HTML",
        *(".html", ".htm", ".xhtml"),
        name="HTML page",
        shares_process=False,
        version=2,
        detected_as=("html",),
    ),
)
