"""XML: documents as their paragraphs, titles and tables, and data as records of names and values, with their attributes.
Of entities, only those are read that are plain text: nothing unfolds, and nothing comes from elsewhere."""

from __future__ import annotations

import html as html_entities
import re
from typing import Any

from lxml import etree

from engines.parsing import Element, ParsedDocument, ReadingWarning
from engines.parsing.job import Job
from engines.parsing.markup import xml_data
from engines.parsing.markup.mathml import local_name
from engines.parsing.markup.xml_document import DocumentReader, is_document
from engines.parsing.office import flat_office
from engines.parsing.sheets import records
from engines.parsing.texts import subtitles
from engines.parsing.texts.text import load_counted
from engines.parsing.warnings import listed, warning

_PARSER_OPTIONS: dict[str, bool] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "remove_comments": True,
    "remove_pis": True,
    "huge_tree": True,
}
_DECLARATION = re.compile(r"[\ufeff \n\t]*<\?xml[^>]*\?>")
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_OWN_ENTITIES = frozenset(("amp", "lt", "gt", "quot", "apos"))
_MARKUP = re.compile("[<&]")
_MAX_ENTITY = 1_000  # characters
_HARMLESS = ("Namespace prefix", "xmlns:", "Namespace default prefix")


def read(job: Job) -> ParsedDocument:
    # Decode the bytes first, because the declared encoding is often wrong.
    content = load_counted(job)
    root, warnings = _parse(content.text)
    if reader := flat_office.reader_of(root):
        document = reader(job, root)
        return ParsedDocument(
            mime_type=job.mime_type,
            elements=document.elements,
            members=document.members,
            metadata=document.metadata,
            page_kind=document.page_kind,
            warnings=content.warnings + warnings + document.warnings,
        )
    title = next(filter(None, map(xml_data.flow, root.iter("{*}title"))), None)
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(elements(root)),
        metadata={"title": title},
        warnings=content.warnings + warnings,
    )


def elements(root: Any) -> list[Element]:
    root = flat_office.body_of(root)
    if local_name(root) == "svg":
        return list(xml_data.labels(root))
    if local_name(root) == "tt":
        return list(subtitles.paragraphs(map(_cue, root.iter("{*}p"))))
    return list(
        DocumentReader(root).elements() if is_document(root) else records.elements(xml_data.fields(root))
    )


def _cue(node: Any) -> subtitles.Cue:
    """Return what a paragraph of timed text says."""
    start, end = (subtitles.clock_seconds(node.get(name, "")) for name in ("begin", "end"))
    for line_break in node.iter("{*}br"):
        line_break.text = "\n"
    return subtitles.Cue(start, end, [xml_data.flow(node)])


def _parse(text: str) -> tuple[Any, tuple[ReadingWarning, ...]]:
    """Return the root. Read on where the rules are broken, as browsers do, and warn if that loses something."""
    source = _DECLARATION.sub("", text, count=1).lstrip("\ufeff \n\t")
    source = _ENTITY.sub(_character, source)
    data = source.encode("utf-8", "replace")
    try:
        return _written_entities(etree.fromstring(data, etree.XMLParser(**_PARSER_OPTIONS)))
    except etree.XMLSyntaxError:
        parser = etree.XMLParser(**_PARSER_OPTIONS, recover=True)
        root = etree.fromstring(data, parser)
        if root is None:
            raise
        reasons = [entry.message for entry in parser.error_log if not entry.message.startswith(_HARMLESS)]
        root, unread = _written_entities(root)
        return root, (*unread, *([warning("damaged", reason=reasons[0])] if reasons else []))


def _character(match: re.Match[str]) -> str:
    """Replace the names of HTML's characters: documents use them without a declaration."""
    return match[0] if match[1] in _OWN_ENTITIES else html_entities.unescape(match[0])


def _written_entities(root: Any) -> tuple[Any, tuple[ReadingWarning, ...]]:
    """Write the text of entities in their place, and warn of those that have other entities or markup in them, or are in
    other files."""
    declared = root.getroottree().docinfo.internalDTD
    texts = {one.name: one.content or "" for one in declared.entities()} if declared is not None else {}
    unread = dict[str, None]()
    for node in root.iter(etree.Entity):
        text = texts.get(node.name)
        if text and len(text) <= _MAX_ENTITY and not _MARKUP.search(text):
            node.tail = text + (node.tail or "")
        elif text is not None:
            unread[node.text] = None
    etree.strip_tags(root, etree.Entity)
    return root, (warning("unread_parts", parts=listed(list(unread))),) if unread else ()
