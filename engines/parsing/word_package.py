"""The parts of a Word file, and their relationships. What is missing or broken never ends the reading of the rest."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from lxml import etree

# Strict files call everything by other names; Word itself writes the usual ones.
_STRICT_NAME = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")
_USUAL_NAME = rb"http://schemas.openxmlformats.org/\1/2006/"
_UNUSED_FOLDERS = ("word/glossary/", "customXml/", "docProps/", "word/embeddings/")


class Relation(NamedTuple):
    """`kind` is the last word of the relationship's type; `target` the name of a part, or an address."""

    kind: str
    target: str
    is_external: bool


class Package:
    def __init__(self, path: Path) -> None:
        """Raise BadZipFile, or KeyError if there is no document inside."""
        self._archive = zipfile.ZipFile(path)
        self._names = {name.lstrip("/").lower(): name for name in self._archive.namelist()}
        self.unread: list[str] = []
        self._repaired: dict[str, Any] = {}
        kinds = {relation.kind: relation.target for relation in self.relations("").values()}
        self.main = kinds.get("officeDocument", "word/document.xml")
        if self.main.lower() not in self._names:
            raise KeyError(self.main)

    @property
    def repaired(self) -> list[str]:
        """The names of the parts whose XML had errors."""
        return list(self._repaired)

    def names(self) -> Iterator[str]:
        return (name.lstrip("/") for name in self._names.values())

    def data(self, name: str) -> bytes:
        """Return a part's bytes, or none if it is missing or broken."""
        stored = self._names.get(name.lower())
        if stored is None:
            return b""
        try:
            data = self._archive.read(stored)
        except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, ValueError, EOFError):
            self.unread.append(name)
            return b""
        return _STRICT_NAME.sub(_USUAL_NAME, data) if name.endswith((".xml", ".rels")) else data

    def tree(self, name: str) -> Any:
        """Return the root of an XML part, or None. What of it is no XML is left out."""
        data = self.data(name)
        options: dict[str, Any] = {"resolve_entities": False, "no_network": True, "huge_tree": True}
        try:
            return etree.fromstring(data, etree.XMLParser(**options)) if data else None
        except etree.XMLSyntaxError:
            self._repaired[name] = etree.fromstring(data, etree.XMLParser(recover=True, **options))
            return self._repaired[name]

    def relations(self, name: str) -> dict[str, Relation]:
        """Return a part's relationships by their ids."""
        folder, file = posixpath.split(name)
        root = self.tree(posixpath.join(folder, "_rels", f"{file}.rels"))
        found = {}
        for node in root if root is not None else ():
            target, is_external = node.get("Target") or "", node.get("TargetMode") == "External"
            if not is_external:
                target = posixpath.normpath(posixpath.join("/", folder, unquote(target))).lstrip("/")
            kind = (node.get("Type") or "").rpartition("/")[2]
            found[node.get("Id") or ""] = Relation(kind, target, is_external)
        return found

    def packed(self, changed: Mapping[str, Any]) -> bytes:
        """Return the file with these trees in place of its own, and only the parts that have text."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            for name in self.names():
                is_used = name.endswith((".xml", ".rels")) and not name.startswith(_UNUSED_FOLDERS)
                root = changed[name] if name in changed else self.tree(name) if is_used else None
                if root is not None:
                    is_new = name in changed or name in self._repaired
                    archive.writestr(name, etree.tostring(root) if is_new else self.data(name))
        return out.getvalue()
