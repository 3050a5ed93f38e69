"""EPUB books, by chapters in the order of their spine. A chapter is what a page is elsewhere."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from lxml import etree

from engines.parsing import PageKind, ParsedDocument, ParseError
from engines.parsing.job import Job
from engines.parsing.markup import html
from engines.parsing.office import package
from engines.parsing.office.office_package import BROKEN_ZIP, XML_OPTIONS, attribute, child, descendants
from engines.parsing.texts import encoding
from engines.parsing.warnings import listed, warning

_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_PAGE_TYPES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document")
_PAGE_SUFFIXES = (".xhtml", ".html", ".htm")
_PROPERTIES = {
    "title": "title",
    "creator": "author",
    "language": "language",
    "subject": "keywords",
    "date": "created",
}
_BLOCKS = ("p", "li", "aside", "dd", "div", "td", "section", "body")
_LABEL = re.compile(r"[\[(]?(?:\d{1,4}|[*†‡§¶]{1,3}|[a-z]|[ivxl]{1,6})[\])]?")


def read(job: Job) -> ParsedDocument:
    package.check(job)
    with zipfile.ZipFile(job.path) as archive:
        book = _Book(archive)
        chapters = dict(book.chapters()) or dict(book.pages())
    if not chapters:
        raise ParseError("corrupt_file", type="EPUB book")
    _bring_notes_home(chapters)
    elements, count = [], 0
    for root in chapters.values():
        found = list(html.tree_elements(root))
        count += bool(found)
        elements += [element._replace(page=count) for element in found]
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(elements),
        metadata=book.properties | {"page_count": count},
        page_kind=PageKind.CHAPTER,
        warnings=(warning("unread_parts", parts=listed(book.unread)),) if book.unread else (),
    )


class _Book:
    """`unread` has the names of chapters that are missing or broken."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = {name.lower(): name for name in archive.namelist()}
        self.unread: list[str] = []
        container = self._tree(_CONTAINER)
        paths = [attribute(node, "full-path") for node in descendants(container, "rootfile")]
        self._path = next(
            filter(None, paths), next((name for name in self._names if name.endswith(".opf")), "")
        )
        self._root = self._tree(self._path)
        self.properties = self._read_properties()

    def chapters(self) -> Iterator[tuple[str, Any]]:
        """Yield the names and the roots of the pages in reading order. Raise ParseError if they are encrypted."""
        items = {attribute(node, "id"): node for node in descendants(self._root, "item")}
        encrypted = {
            unquote(attribute(node, "URI"))
            for node in descendants(self._tree(_ENCRYPTION), "CipherReference")
        }
        for reference in descendants(self._root, "itemref"):
            item = items.get(attribute(reference, "idref"))
            if item is None or attribute(item, "media-type") not in _PAGE_TYPES:
                continue
            name = posixpath.normpath(
                posixpath.join(posixpath.dirname(self._path), unquote(attribute(item, "href")))
            )
            if name in encrypted:
                raise ParseError("password_protected")
            yield from self._page(name)

    def pages(self) -> Iterator[tuple[str, Any]]:
        """Yield all pages, by their names, for a book whose list of chapters is broken."""
        self.unread.append(self._path or "the list of chapters")
        for name in sorted(self._names.values()):
            if name.lower().endswith(_PAGE_SUFFIXES):
                yield from self._page(name)

    def _page(self, name: str) -> Iterator[tuple[str, Any]]:
        root = html.parse_tree(encoding.decode(self._data(name)))
        if root is None:
            self.unread.append(name)
        else:
            yield name, root

    def _read_properties(self) -> dict[str, str]:
        found: dict[str, list[str]] = {}
        for node in child(self._root, "metadata") if child(self._root, "metadata") is not None else ():
            name = _PROPERTIES.get(etree.QName(node).localname) if isinstance(node.tag, str) else None
            if name and node.text:
                found.setdefault(name, []).append(" ".join(node.text.split()))
        return {
            name: ", ".join(values) if name in ("author", "keywords") else values[0]
            for name, values in found.items()
        }

    def _tree(self, name: str) -> Any:
        data = self._data(name)
        root = etree.fromstring(data, etree.XMLParser(**XML_OPTIONS)) if data.strip() else None
        return etree.Element("none") if root is None else root

    def _data(self, name: str) -> bytes:
        """Return a part, or nothing if it is missing or broken. Some books write names in other letters."""
        try:
            return self._archive.read(self._names[name.lower()])
        except (KeyError, *BROKEN_ZIP):
            return b""


def _bring_notes_home(chapters: dict[str, Any]) -> None:
    """Mark the links that lead to notes, and move notes that are elsewhere to the chapters that have their marks."""
    targets = {
        (name, node.get("id")): node
        for name, root in chapters.items()
        for node in root.iter()
        if node.get("id")
    }
    for name, root in chapters.items():
        for link in root.iter("a"):
            path, _, fragment = unquote(link.get("href", "")).partition("#")
            place = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
            note = _note_at(targets.get((place, fragment)))
            if note is None or not _is_mark(link, note):
                continue
            if place != name:
                note.getparent().remove(note)
                root.append(note)
            note.set("id", f"{place}-{fragment}")
            note.set("role", "doc-footnote")
            link.set("href", f"#{place}-{fragment}")
            link.set("role", "doc-noteref")
            label = "".join(link.itertext()).strip()
            if label.isalnum():
                link[:] = []
                link.text = f"[{label}]"


def _note_at(node: Any) -> Any:
    """Return the block in which a target is, or None if it is none that a note would be in."""
    while node is not None and node.tag not in _BLOCKS:
        node = node.getparent()
    return None if node is None or node.getparent() is None or node.tag == "body" else node


def _is_mark(link: Any, note: Any) -> bool:
    """Return whether a link is the mark of a note: if it says so, or if it is a number and the note leads back to it."""
    if any(note is around for around in link.iterancestors()):
        return False
    if link.get("role") == "doc-noteref" or "noteref" in link.get("epub:type", ""):
        return True
    label, around = "".join(link.itertext()).strip(), _note_at(link)
    if around is None or "".join(around.itertext()).strip().startswith(label):  # it is what leads back
        return False
    ids = {node.get("id") for node in (link, *link.iterancestors(*_BLOCKS), *link.iter())} - {None}
    leads_back = any(unquote(back.get("href", "")).partition("#")[2] in ids for back in note.iter("a"))
    return bool(_LABEL.fullmatch(label)) and leads_back
