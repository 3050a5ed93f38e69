"""OpenDocument."""

from __future__ import annotations

from engines.parsing.format import Format, binary_format

ODT = "application/vnd.oasis.opendocument.text"
FORMATS: tuple[Format, ...] = (
    binary_format(
        ODT,
        "engines.parsing.pandoc.read",
        "OpenDocument",
        "odt",
        name="OpenDocument text",
        group="OpenDocument text",
        packages=tuple(f"{ODT}{kind}" for kind in ("", "-template", "-master", "-master-template", "-web")),
        starts_programs=True,
    ),
)
