"""Word."""

from __future__ import annotations

from engines.parsing.format import Format, binary_format

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
DOC = "application/msword"
NAME = "Word document"
FORMATS: tuple[Format, ...] = (
    binary_format(
        DOCX,
        "engines.parsing.word.reader.read_docx",
        "Word",
        "docx",
        name=NAME,
        version=2,
        suffixes=(".docm", ".dotx", ".dotm"),
        folder="word",
    ),
    binary_format(
        DOC,
        "engines.parsing.word.reader.read_doc",
        "Word",
        "doc",
        name=NAME,
        version=3,
        suffixes=(".dot",),
        streams=("worddocument",),
        starts_programs=True,
    ),
)
