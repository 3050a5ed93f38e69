"""PowerPoint, through `unstructured`."""

from __future__ import annotations

from typing import Any

import spacy
from unstructured.nlp import tokenize
from unstructured.partition.pptx import partition_pptx

from engines.parsing import (
    Element,
    ElementKind,
    ParsedDocument,
    element_builders,
    embedded_images,
    html,
    package,
)
from engines.parsing.job import Job

_KINDS = {"ListItem": ElementKind.LIST_ITEM, "CodeSnippet": ElementKind.CODE}
_REPEATED = ("Header", "Footer")

# Replaces the language model that `unstructured` would download.
_sentencizer = spacy.blank("en")
_sentencizer.add_pipe("sentencizer")
tokenize._get_nlp = lambda *_args, **_options: _sentencizer  # type: ignore[assignment]


def read_pptx(job: Job) -> ParsedDocument:
    package.check(job)
    parts = partition_pptx(filename=str(job.path), languages=[""], include_slide_notes=True)
    return _document(job, parts, embedded_images.read_pptx(job))


def _document(job: Job, parts: list[Any], from_images: list[Element]) -> ParsedDocument:
    """Headers and footers come with every section: each text is kept once. Elements from images go to the end of their
    pages."""
    pages = [part.metadata.page_number for part in parts if part.metadata.page_number]
    metadata = package.read_properties(job) | {"page_count": max(pages, default=None)}
    elements: list[Element] = []
    repeated: set[str] = set()
    for part in parts:
        page, text, markup = part.metadata.page_number, part.text or "", part.metadata.text_as_html
        if part.category == "PageBreak" or (part.category in _REPEATED and text in repeated):
            continue
        if part.category in _REPEATED:
            repeated.add(text)
        if part.category == "Title":
            elements.append(element_builders.title(text, (part.metadata.category_depth or 0) + 1, page))
        elif part.category == "Table" and markup:
            root = html.parse_tree(markup)
            if root is not None:
                elements.append(element_builders.table(html.table_rows(root), page))
        else:
            elements.append(Element(kind=_KINDS.get(part.category, ElementKind.TEXT), text=text, page=page))
    if from_images:
        elements = sorted([*elements, *from_images], key=lambda element: element.page or 0)
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(elements), metadata=metadata)
