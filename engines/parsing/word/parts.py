"""What else is in a Word file: pictures with text, imported pages, and embedded files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from engines.parsing import Element, Member, ReadingWarning
from engines.parsing.archives.members import MemberFolder
from engines.parsing.job import Job
from engines.parsing.office import charts, drawings
from engines.parsing.office.embedded_pictures import Pictures
from engines.parsing.office.office_package import local_name
from engines.parsing.office.ole_objects import unpack
from engines.parsing.texts import encoding
from engines.parsing.warnings import listed, warning
from engines.parsing.word.package import Package

_PAGES = {".htm", ".html", ".xhtml"}
_OTHER_FILES = {".mht", ".mhtml", ".rtf", ".txt", ".docx", ".doc"}  # imported pages that become members
_EMBEDDED = ("package", "oleObject", "aFChunk")


class Parts:
    """Reads the parts that a document shows. Those that cannot be read are added to the package's unread ones."""

    def __init__(self, job: Job, package: Package) -> None:
        self._package = package
        self._pictures = Pictures(job)

    def read(self, part: str | bytes) -> Iterable[Element]:
        """Return the text of a picture, a chart, a diagram or an imported page."""
        name = str(part)
        suffix = PurePosixPath(name).suffix.lower()
        if suffix == ".xml":
            root = self._package.tree(name)
            is_diagram = local_name(root) == "dataModel"
            return list(drawings.diagram_elements(root, 0) if is_diagram else charts.elements(root, 0))
        if suffix in _PAGES:
            from engines.parsing.markup import html

            return list(html.elements(encoding.decode(self._package.data(name))))
        if suffix in _OTHER_FILES:
            return []
        found = self._pictures.read(self._package.data(name)) if name in self._package else []
        if found is None:
            self._package.unread.append(name)
        return found or []


def members(job: Job, package: Package) -> tuple[list[Member], list[ReadingWarning]]:
    """Unpack the embedded files. What charts are made of is not among them: the charts show it."""
    folder, refused = MemberFolder(job), list[str]()
    for name in sorted(_embedded(package)):
        file = unpack(package.data(name), PurePosixPath(name).name)
        if file is None:
            refused.append(PurePosixPath(name).name)
        else:
            folder.add(file.name, file.data)
    return folder.members, [warning("unread_members", names=listed(refused))] if refused else []


def _embedded(package: Package) -> set[str]:
    """Return the names of all embedded files and imported pages."""
    names = set()
    for rels in [name for name in package.names() if name.endswith(".rels") and "/charts/" not in name]:
        source = rels.replace("_rels/", "").removesuffix(".rels")
        for relation in package.relations(source).values():
            is_page = PurePosixPath(relation.target).suffix.lower() in _PAGES
            if relation.kind in _EMBEDDED and not relation.is_external and not is_page:
                names.add(relation.target)
    return names
