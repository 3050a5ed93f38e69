"""Jupyter notebooks: the cells, and what the code printed, drew as tables, or failed with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from engines.parsing import Element, ElementKind, ParsedDocument, ParseError, element_builders
from engines.parsing.job import Job
from engines.parsing.markup import html, markdown
from engines.parsing.texts import text
from engines.parsing.warnings import warning

_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def read(job: Job) -> ParsedDocument:
    content = text.load_counted(job)
    try:
        notebook = json.loads(content.text)
        elements = tuple(element for cell in _cells(notebook) for element in _cell_elements(cell))
        pictures = sum(
            _has_only_picture(output) for cell in _cells(notebook) for output in cell.get("outputs", [])
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ParseError("corrupt_file", type="notebook") from error
    lost = (warning("unread_parts", parts=f"{pictures} pictures that the code drew"),) if pictures else ()
    language = notebook.get("metadata", {}).get("language_info", {}).get("name")
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=elements,
        metadata={"programming_language": language},
        warnings=content.warnings + lost,
    )


def _cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """Before version 4, notebooks had worksheets."""
    if "cells" in notebook:
        return list(notebook["cells"])
    return [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]


def _cell_elements(cell: dict[str, Any]) -> Iterator[Element]:
    source = _joined(cell.get("source", cell.get("input", "")))
    if cell["cell_type"] == "markdown":
        yield from markdown.elements(source)
    elif cell["cell_type"] == "heading":
        yield element_builders.title(source, cell.get("level", 1))
    elif cell["cell_type"] == "raw":
        yield from text.elements(source)
    else:
        yield element_builders.code(source)
        yield from _outputs(cell.get("outputs", []))


def _outputs(outputs: Iterable[dict[str, Any]]) -> Iterator[Element]:
    """Of several forms of one result, take the page, with its tables, unless the plain form says more."""
    for output in outputs:
        data = {**output, **output.get("data", {})}
        page = _joined(data.get("text/html", data.get("html", "")))
        plain = _joined(data.get("text/plain", data.get("text", "")))
        if output["output_type"] in ("error", "pyerr"):
            yield element_builders.code(f"{output.get('ename')}: {output.get('evalue')}")
        elif page and len(_words(html.elements(page))) >= len(set(plain.split())):
            yield from html.elements(page)
        elif "text/markdown" in data:
            yield from markdown.elements(_joined(data["text/markdown"]))
        elif "text/latex" in data:
            yield Element(ElementKind.FORMULA, _joined(data["text/latex"]).strip(" $\n"))
        elif not _has_only_picture(output):
            yield element_builders.code(_TERMINAL_CODES.sub("", plain))


def _has_only_picture(output: dict[str, Any]) -> bool:
    """The plain form of a picture is "<Figure size 640x480 with 1 Axes>"."""
    names = {**output, **output.get("data", {})}
    return any(name.startswith("image/") or name in ("png", "jpeg", "svg") for name in names)


def _words(elements: Iterable[Element]) -> set[str]:
    return {word for element in elements for word in element.text.split()} - {"|"}


def _joined(lines: Any) -> str:
    return lines if isinstance(lines, str) else "".join(lines)
