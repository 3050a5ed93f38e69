"""`unstructured`, which is asked before an Office file that the first reader refuses is called damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import spacy
from unstructured.nlp import tokenize

from engines.parsing import Element, ElementKind, ParsedDocument, ParseError, element_builders
from engines.parsing.formats import display_name
from engines.parsing.job import Job
from engines.parsing.markup import html
from engines.parsing.office import package
from engines.parsing.warnings import warning

_KINDS = {
    "ListItem": ElementKind.LIST_ITEM,
    "CodeSnippet": ElementKind.CODE,
    "Header": ElementKind.HEADER,
    "Footer": ElementKind.FOOTER,
}
_ONCE = (ElementKind.HEADER, ElementKind.FOOTER)

# Replaces the language model that `unstructured` would download.
_sentencizer = spacy.blank("en")
_sentencizer.add_pipe("sentencizer")
tokenize._get_nlp = lambda *_args, **_options: _sentencizer  # type: ignore[assignment]


def read(job: Job, kind: str, reason: Exception) -> ParsedDocument:
    """Read the file as docx or pptx (`kind`); `reason` is why the first reader refused it. Raise ParseError."""
    partition: Callable[..., list[Any]] = getattr(
        import_module(f"unstructured.partition.{kind}"), f"partition_{kind}"
    )
    try:
        found = list(_elements(partition(filename=str(job.path), languages=[""])))
        metadata = package.read_properties(job)
    except MemoryError:
        raise
    except Exception as error:  # it raises anything on a broken file
        raise ParseError("corrupt_file", type=display_name(job.mime_type)) from error
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(found),
        metadata=metadata,
        warnings=(warning("damaged", reason=str(reason)),),
    )


def _elements(parts: list[Any]) -> Iterator[Element]:
    """Yield elements, and each header and footer once, although they come with every section."""
    repeated = set()
    for part in parts:
        kind, text, page = (
            _KINDS.get(part.category, ElementKind.TEXT),
            part.text or "",
            part.metadata.page_number,
        )
        if part.category == "PageBreak" or text in repeated:
            continue
        if kind in _ONCE:
            repeated.add(text)
        markup = part.metadata.text_as_html
        root = html.parse_tree(markup) if part.category == "Table" and markup else None
        if part.category == "Title":
            yield element_builders.title(text, (part.metadata.category_depth or 0) + 1, page)
        elif root is not None:
            yield element_builders.table(html.table_rows(root), page)
        else:
            yield Element(kind=kind, text=text, page=page)
