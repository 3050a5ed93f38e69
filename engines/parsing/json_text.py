"""JSON as lines of `name: value`, one element per record; notebooks as their cells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from engines.parsing import Element, ParsedDocument, ParseError, element_builders, formats, markdown, text
from engines.parsing.job import Job


def read(job: Job) -> ParsedDocument:
    """What turns out to be no JSON is read as plain text."""
    content = text.load(job).lstrip("\ufeff")
    try:
        records = _records(content, job.mime_type)
    except ValueError:
        return ParsedDocument(mime_type=formats.PLAIN, elements=tuple(text.elements(content)))
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(map(_record, records)))


def read_notebook(job: Job) -> ParsedDocument:
    try:
        notebook = json.loads(text.load(job))
        cells = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ParseError("corrupt_file", type="notebook") from error
    language = notebook.get("metadata", {}).get("language_info", {}).get("name")
    return ParsedDocument(
        mime_type=job.mime_type, elements=tuple(_cells(cells)), metadata={"programming_language": language}
    )


def _cells(cells: list[tuple[str, str]]) -> Iterator[Element]:
    for kind, source in cells:
        if kind == "markdown":
            yield from markdown.elements(source)
        elif source.strip():
            yield element_builders.code(source)


def _records(content: str, mime_type: str) -> list[Any]:
    if mime_type == formats.NDJSON:
        return [json.loads(line) for line in content.splitlines() if line.strip()]
    value = json.loads(content)
    return value if isinstance(value, list) else [value]


def _record(value: Any) -> Element:
    return element_builders.paragraph("\n".join(_lines(value, "")))


def _lines(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _lines(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        for inner in value:
            yield from _lines(inner, name)
    elif isinstance(value, list):
        yield from _lines(", ".join(map(str, value)), name)
    elif value not in (None, ""):
        yield f"{name}: {value}" if name else str(value)
