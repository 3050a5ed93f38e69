"""JSON as lines of `name: value`, one element per record. Numbers stay as they are written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from engines.parsing import ParsedDocument, ReadingWarning, element_builders, source_code, text
from engines.parsing.job import Job
from engines.parsing.readers.plain_text import PLAIN
from engines.parsing.warnings import listed, warning

_MAX_RECORD = 1_500  # characters: what is larger is divided
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, strict=False)


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
        warnings += (wrong_lines(wrong),)
    records = (element_builders.paragraph(record) for value in values for record in _records(value, ""))
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(records), warnings=warnings)


def wrong_lines(numbers: list[int]) -> ReadingWarning:
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


def _records(value: Any, name: str) -> Iterator[str]:
    """Yield a small value whole, and the records and large parts of another one each for itself."""
    lines = "\n".join(_name_value_lines(value, name))
    is_list_of_records = isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value)
    if not is_list_of_records and (len(lines) <= _MAX_RECORD or not isinstance(value, dict)):
        yield lines
        return
    parts = value.items() if isinstance(value, dict) else ((name, inner) for inner in value)
    small: list[str] = []
    for key, inner in parts:
        path = f"{name}.{key}" if name and isinstance(value, dict) else str(key)
        if isinstance(inner, dict | list):
            yield from _flush(small)
            yield from _records(inner, path)
        else:
            small += _name_value_lines(inner, path)
    yield from _flush(small)


def _flush(lines: list[str]) -> Iterator[str]:
    if lines:
        yield "\n".join(lines)
        lines.clear()


def _name_value_lines(value: Any, name: str) -> Iterator[str]:
    """Yield a line for each scalar or list of scalars, with its path of keys as its name."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _name_value_lines(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        for inner in value:
            yield from _name_value_lines(inner, name)
    elif isinstance(value, list):
        yield from _name_value_lines(", ".join(map(_scalar, value)), name)
    elif value not in (None, ""):
        yield f"{name}: {_scalar(value)}" if name else _scalar(value)


def _scalar(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
