"""JSON as lines of `name: value`, one element per record; notebooks as their cells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from engines.parsing import Element, ParsedDocument, ParseError, element_builders, markdown, text
from engines.parsing.job import Job
from engines.parsing.readers.json import NDJSON
from engines.parsing.readers.plain_text import PLAIN


def read(job: Job) -> ParsedDocument:
    """Content that is not valid JSON is read as plain text."""
    content = text.load(job).lstrip("\ufeff")
    try:
        if job.mime_type == NDJSON:
            records = [json.loads(line) for line in content.splitlines() if line.strip()]
        else:
            value = json.loads(content)
            records = value if isinstance(value, list) else [value]
    except ValueError:
        return ParsedDocument(mime_type=PLAIN, elements=tuple(text.elements(content)))
    elements = (element_builders.paragraph("\n".join(_lines(record, ""))) for record in records)
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(elements))


def read_notebook(job: Job) -> ParsedDocument:
    try:
        notebook = json.loads(text.load(job))
        cells = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ParseError("corrupt_file", type="notebook") from error
    language = notebook.get("metadata", {}).get("language_info", {}).get("name")
    elements: list[Element] = []
    for cell_type, source in cells:
        if cell_type == "markdown":
            elements += markdown.elements(source)
        elif source.strip():
            elements.append(element_builders.code(source))
    return ParsedDocument(
        mime_type=job.mime_type, elements=tuple(elements), metadata={"programming_language": language}
    )


def _lines(value: Any, name: str) -> Iterator[str]:
    """Yield a line for each scalar or list of scalars, with its path of keys as its name."""
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
