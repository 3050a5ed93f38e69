"""Tables in text files."""

from __future__ import annotations

from engines.parsing.format import Format, text_format

TSV = "text/tab-separated-values"
READER = "engines.parsing.sheets.delimited_text.read"
FORMATS: tuple[Format, ...] = (
    text_format("text/csv", READER, "CSV", ".csv", detected_as=("csv",), version=2),
    text_format(TSV, READER, "TSV", ".tsv", ".tab", detected_as=("tsv",), version=2),
)
