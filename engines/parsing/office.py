"""Word and PowerPoint, through `unstructured`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import spacy
from unstructured.nlp import tokenize
from unstructured.partition.docx import partition_docx
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


def _sentences_only() -> Any:
    """Stands for the language model that `unstructured` would download."""
    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    return lambda *_args, **_options: pipeline


tokenize._get_nlp = _sentences_only()


def read_docx(job: Job) -> ParsedDocument:
    package.check(job)
    return _document(
        job, partition_docx(filename=str(job.path), languages=[""]), embedded_images.of_docx(job)
    )


def read_pptx(job: Job) -> ParsedDocument:
    package.check(job)
    found = partition_pptx(filename=str(job.path), languages=[""], include_slide_notes=True)
    return _document(job, found, embedded_images.of_pptx(job))


def _document(job: Job, found: list[Any], shown: list[Element]) -> ParsedDocument:
    """`shown` comes from pictures: each goes to the end of its page."""
    pages = [part.metadata.page_number for part in found if part.metadata.page_number]
    metadata = package.properties(job) | {"page_count": max(pages, default=None)}
    whole = [*_elements(found), *shown]
    if shown:
        whole.sort(key=lambda element: element.page or 0)
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(whole), metadata=metadata)


def _elements(found: Iterable[Any]) -> Iterator[Element]:
    """Headers and footers come with every section: each is told once."""
    seen: set[str] = set()
    for part in found:
        if part.category in _REPEATED and part.text in seen:
            continue
        if part.category in _REPEATED:
            seen.add(part.text)
        yield from _element(part)


def _element(part: Any) -> Iterator[Element]:
    page, text = part.metadata.page_number, part.text or ""
    if part.category == "PageBreak":
        return
    if part.category == "Title":
        yield element_builders.title(text, (part.metadata.category_depth or 0) + 1, page)
    elif part.category == "Table" and part.metadata.text_as_html:
        yield from _table(part.metadata.text_as_html, page)
    else:
        yield Element(kind=_KINDS.get(part.category, ElementKind.TEXT), text=text, page=page)


def _table(markup: str, page: int | None) -> Iterator[Element]:
    root = html.tree(markup)
    if root is not None:
        yield element_builders.table(html.rows(root), page)
