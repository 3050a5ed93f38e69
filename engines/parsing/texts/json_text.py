"""JSON, one element per record. Numbers stay as they are written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from engines.parsing import ParsedDocument, ReadingWarning
from engines.parsing.job import Job
from engines.parsing.readers.plain_text import PLAIN
from engines.parsing.sheets import records
from engines.parsing.texts import source_code, text
from engines.parsing.warnings import listed, warning

_DECODER = json.JSONDecoder(object_pairs_hook=records.Fields, parse_float=str, parse_int=str, strict=False)


def read(job: Job) -> ParsedDocument:
    """Read one value, or several that follow each other. Other notations, such as JSON with remarks, are code."""
    content = text.load_counted(job)
    source = content.text.lstrip("\ufeff \n\t")
    warnings = content.warnings
    try:
        values = list(_values(source))
    except ValueError:
        values, wrong = _lines(source)
        if len(wrong) * 2 > len(values):
            elements = tuple(source_code.elements(source))
            return ParsedDocument(mime_type=PLAIN, elements=elements, warnings=warnings)
        warnings += (_wrong_lines(wrong),)
    found = tuple(element for value in values for element in records.elements(value))
    return ParsedDocument(mime_type=job.mime_type, elements=found, warnings=warnings)


def _wrong_lines(numbers: list[int]) -> ReadingWarning:
    return warning(
        "damaged", reason=f"line {listed(list(map(str, numbers)))} is no valid JSON and stands as it is"
    )


def _values(source: str) -> Iterator[Any]:
    at = 0
    while at < len(source):
        value, at = _DECODER.raw_decode(source, at)
        yield value
        while source[at : at + 1].isspace() or source[at : at + 1] == "\x1e":
            at += 1


def _lines(source: str) -> tuple[list[Any], list[int]]:
    """Return one value per line, and the numbers of the lines that are none, and stand for themselves."""
    values: list[Any] = []
    wrong: list[int] = []
    for number, line in enumerate(source.split("\n"), 1):
        if line.strip():
            try:
                values.append(_DECODER.decode(line.strip()))
            except ValueError:
                values.append(line)
                wrong.append(number)
    return values, wrong
