"""What else is in a Word file: pictures with text, imported pages, and embedded files."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import PurePosixPath

from engines.parsing import Element, Member, ReadingWarning, encoding
from engines.parsing.job import Job
from engines.parsing.members import clean_name, unique_name
from engines.parsing.ole_objects import unpack
from engines.parsing.warnings import listed, warning
from engines.parsing.word_package import Package

_PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".bmp", ".webp", ".heic", ".jfif"}
_DRAWINGS = {".emf", ".wmf", ".svg"}  # their text cannot be read, nor is there often any
_PAGES = {".htm", ".html", ".xhtml"}
_EMBEDDED = ("package", "oleObject", "aFChunk")
_MIN_WIDTH, _MIN_HEIGHT = 100, 30  # pixels: text in a smaller picture is no text of the document


class Parts:
    """Reads the parts that a document shows. `unread` are those that could not be read."""

    def __init__(self, job: Job, package: Package) -> None:
        self.unread: list[str] = []
        self._job, self._package = job, package
        self._recognised = 0

    def read(self, name: str) -> Iterable[Element]:
        """Return the text of a picture or of an imported page."""
        suffix = PurePosixPath(name).suffix.lower()
        if suffix in _PAGES:
            from engines.parsing import html

            return list(html.elements(encoding.decode(self._package.data(name))))
        return self._recognise(name) if suffix in _PICTURES else []

    def _recognise(self, name: str) -> list[Element]:
        from PIL import Image, UnidentifiedImageError

        data = self._package.data(name)
        try:
            with Image.open(io.BytesIO(data)) as image:
                is_small = image.width < _MIN_WIDTH or image.height < _MIN_HEIGHT
        except (OSError, ValueError, SyntaxError, UnidentifiedImageError):
            return []
        if is_small:
            return []
        if self._recognised >= self._job.limits.ocr_pages:
            self.unread.append(name)
            return []
        from engines.parsing import images, layout

        self._recognised += 1
        return list(layout.elements(images.read_embedded(self._job, io.BytesIO(data))))


def members(job: Job, package: Package) -> tuple[list[Member], list[ReadingWarning]]:
    """Write the embedded files into the workdir. What charts are made of is not among them: the charts show it."""
    found: list[Member] = []
    refused: list[str] = []
    taken: dict[str, int] = {}
    folder = None
    for name in sorted(_embedded(package)):
        file = unpack(package.data(name), PurePosixPath(name).name)
        if file is None:
            refused.append(PurePosixPath(name).name)
            continue
        folder = folder or job.make_folder("members")
        path = folder / str(len(found) + 1)
        path.write_bytes(file.data)
        found.append(Member(name=unique_name(clean_name(file.name), taken), path=path))
    return found, [warning("unread_members", names=listed(refused))] if refused else []


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
