"""The parts of an Office Open XML file, and their relationships. What is missing or broken never ends the reading of the
rest. Names are compared without their namespaces, which differ between the Strict and the usual flavour."""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import unquote

from lxml import etree

from engines.parsing import ReadingWarning, warnings

# For files that come from anywhere: nothing is fetched, and what is no XML is left out.
XML_OPTIONS: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "huge_tree": True,
    "recover": True,
}
BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    EOFError,
)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class Relation(NamedTuple):
    """`kind` is the last word of the relationship's type; `target` the name of a part, or an address."""

    kind: str
    target: str
    is_external: bool


class Package:
    """`unread` has the names of the parts that could not be read."""

    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path)
        self._names = {name.replace("\\", "/").lstrip("/").lower(): name for name in self._archive.namelist()}
        self.unread: list[str] = []
        self.is_damaged = False

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._names

    def names(self) -> list[str]:
        return [name.replace("\\", "/").lstrip("/") for name in self._names.values()]

    def main(self, default: str) -> str:
        """Return the name of the part that is the document itself. Raise KeyError if there is none."""
        targets = (
            relation.target for relation in self.relations("").values() if relation.kind == "officeDocument"
        )
        name = next((target for target in targets if target in self), default)
        if name not in self:
            raise KeyError(name)
        return name

    def open(self, name: str) -> IO[bytes]:
        """Raise KeyError if there is no such part."""
        return self._archive.open(self._names[name.lower()])

    def data(self, name: str) -> bytes:
        """Return a part's bytes, or none if it is missing or broken."""
        if name not in self:
            return b""
        try:
            with self.open(name) as file:
                return file.read()
        except BROKEN_ZIP:
            self.unread.append(name)
            return b""

    def tree(self, name: str) -> Any:
        """Return the root of an XML part; an element without content if there is none."""
        data = self.data(name)
        parser = etree.XMLParser(**XML_OPTIONS)
        root = etree.fromstring(data, parser) if data.strip() else None
        self.is_damaged |= bool(data and parser.error_log.filter_from_fatals())
        return etree.Element("none") if root is None else root

    def relations(self, name: str) -> dict[str, Relation]:
        """Return a part's relationships by their ids."""
        folder, file = posixpath.split(name)
        found = {}
        for node in descendants(self.tree(posixpath.join(folder, "_rels", f"{file}.rels")), "Relationship"):
            target, is_external = node.get("Target") or "", node.get("TargetMode") == "External"
            if not is_external:
                path = unquote(target).replace("\\", "/")
                target = posixpath.normpath(posixpath.join("/", folder, path)).lstrip("/")
            kind = (node.get("Type") or "").rpartition("/")[2]
            found[node.get("Id") or ""] = Relation(kind, target, is_external)
        return found

    def warnings(self) -> tuple[ReadingWarning, ...]:
        found = []
        if self.unread:
            found.append(warnings.warning("unread_parts", parts=warnings.listed(self.unread)))
        if self.is_damaged:
            found.append(warnings.warning("damaged", reason="parts of it are no valid XML"))
        return tuple(found)

    def targets(self, name: str, *kinds: str) -> Iterator[str]:
        """Return the parts to which a part has relationships of these kinds."""
        relations = self.relations(name).values()
        return (
            one.target
            for one in relations
            if one.kind in kinds and not one.is_external and one.target in self
        )


def local_name(node: Any) -> str:
    return str(node.tag).rpartition("}")[2]


def children(node: Any, *names: str) -> Iterator[Any]:
    return node.iterchildren(*(f"{{*}}{name}" for name in names))  # type: ignore[no-any-return]


def child(node: Any, *path: str) -> Any:
    """Return the first node at the end of the path, or None."""
    for name in path:
        node = next(children(node, name), None) if node is not None else None
    return node


def descendants(node: Any, *names: str) -> Iterator[Any]:
    return node.iter(*(f"{{*}}{name}" for name in names))  # type: ignore[no-any-return]


def attribute(node: Any, name: str) -> str:
    """Return an attribute of any namespace, such as r:id, before one without a namespace; "" if there is none."""
    found = [(key, str(value)) for key, value in node.attrib.items() if key.rpartition("}")[2] == name]
    return max(found, key=lambda item: "}" in item[0], default=("", ""))[1]


def is_true(value: str | None) -> bool:
    return value in ("1", "true", "on")


def unescaped(text: str) -> str:
    """Replace the characters that are written as _x000D_."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text
