"""XML without a reader of its own: its texts in order, a line per element. Entities are never expanded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from engines.parsing import Element, ParsedDocument, element_builders, encoding, html
from engines.parsing.job import Job

_MARKUP = ("</", "<p>", "<br")
_NAMED = frozenset(("title", "name", "heading", "headline"))


def read(job: Job) -> ParsedDocument:
    root = _tree(job)
    title = next((node.text for node in root.iter() if _name(node) == "title" and node.text), None)
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(_elements(root)), metadata={"title": title})


def _tree(job: Job) -> Any:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        recover=False,
    )
    root = etree.fromstring(_as_utf8(job.path.read_bytes()), parser)
    etree.strip_tags(root, etree.Entity)
    return root


def _as_utf8(data: bytes) -> bytes:
    """The declared encoding is often wrong; what the bytes are is known."""
    text = encoding.decode(data).lstrip("\ufeff \n\r\t")
    if text.startswith("<?xml"):
        text = text.partition("?>")[2]
    return text.encode("utf-8", "replace")


def _elements(root: Any) -> Iterator[Element]:
    walker = etree.iterwalk(root, events=("start",))
    for _, node in walker:
        if not isinstance(node.tag, str) or not (node.text and node.text.strip()):
            continue
        walker.skip_subtree()
        text = "".join(node.itertext())
        if any(mark in text for mark in _MARKUP):
            yield from html.elements(text)
        elif _name(node) in _NAMED:
            yield element_builders.title(text, 2)
        else:
            yield element_builders.paragraph(text)


def _name(node: Any) -> str:
    return etree.QName(node).localname.lower() if isinstance(node.tag, str) else ""
