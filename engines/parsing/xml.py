"""XML without a reader of its own: its texts in order, one element per node. Entities are never expanded."""

from __future__ import annotations

from typing import Any

from lxml import etree

from engines.parsing import Element, ParsedDocument, element_builders, encoding, html
from engines.parsing.job import Job

_MARKUP = ("</", "<p>", "<br")
_TITLE_NAMES = frozenset(("title", "name", "heading", "headline"))


def read(job: Job) -> ParsedDocument:
    root = _parse_tree(job)
    title = next((node.text for node in root.iter() if _local_name(node) == "title" and node.text), None)
    elements: list[Element] = []
    walker = etree.iterwalk(root, events=("start",))
    for _, node in walker:
        if not isinstance(node.tag, str) or not (node.text and node.text.strip()):
            continue
        walker.skip_subtree()
        text = "".join(node.itertext())
        if any(mark in text for mark in _MARKUP):
            elements += html.elements(text)
        elif _local_name(node) in _TITLE_NAMES:
            elements.append(element_builders.title(text, 2))
        else:
            elements.append(element_builders.paragraph(text))
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(elements), metadata={"title": title})


def _parse_tree(job: Job) -> Any:
    """Decode the bytes first, because the declared encoding is often wrong."""
    text = encoding.decode(job.path.read_bytes()).lstrip("\ufeff \n\r\t")
    if text.startswith("<?xml"):
        text = text.partition("?>")[2]
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        recover=False,
    )
    root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    etree.strip_tags(root, etree.Entity)
    return root


def _local_name(node: Any) -> str:
    return etree.QName(node).localname.lower() if isinstance(node.tag, str) else ""
