"""Word."""

from __future__ import annotations

from engines.parsing.format import Format, binary_format

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
DOC = "application/msword"
NAME = "Word document"
FORMATS: tuple[Format, ...] = (
    binary_format(
        DOCX,
        "engines.parsing.office.read_docx",
        "Word",
        "docx",
        name=NAME,
        folder="word",
    ),
    binary_format(
        DOC,
        "engines.parsing.libreoffice.read",
        "Word",
        "doc",
        name=NAME,
        streams=("worddocument",),
        starts_programs=True,
    ),
)
