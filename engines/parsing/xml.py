"""XML without a reader of its own: its texts in order, one element per node. Entities are never expanded."""

from __future__ import annotations

from typing import Any

from lxml import etree

from engines.parsing import Element, ParsedDocument, element_builders, encoding, html
from engines.parsing.job import Job

_MARKUP = ("</", "<p>", "<br")
_PARSER_OPTIONS: dict[str, bool] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "remove_comments": True,
    "remove_pis": True,
    "recover": False,
}
_TITLE_NAMES = frozenset(("title", "name", "heading", "headline"))


def read(job: Job) -> ParsedDocument:
    # Decode the bytes first, because the declared encoding is often wrong.
    source = encoding.decode(job.path.read_bytes()).lstrip("\ufeff \n\r\t")
    if source.startswith("<?xml"):
        source = source.partition("?>")[2]
    root = etree.fromstring(source.encode("utf-8", "replace"), etree.XMLParser(**_PARSER_OPTIONS))
    etree.strip_tags(root, etree.Entity)
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


def _local_name(node: Any) -> str:
    return etree.QName(node).localname.lower() if isinstance(node.tag, str) else ""
