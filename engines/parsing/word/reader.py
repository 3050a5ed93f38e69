"""Word, new and old, by office-oxide's tree."""

from __future__ import annotations

import shutil
import zipfile
from typing import Any

from lxml import etree
from office_oxide import OfficeOxideError

from engines.parsing import Element, ParsedDocument, ParseError
from engines.parsing.archives.members import MemberFolder
from engines.parsing.job import Job
from engines.parsing.office import package
from engines.parsing.office import tree as office_tree
from engines.parsing.office.embedded_pictures import Pictures
from engines.parsing.office.ole_objects import embedded_files
from engines.parsing.warnings import listed, warning
from engines.parsing.word import old_streams, old_text
from engines.parsing.word.elements import elements
from engines.parsing.word.package import Package
from engines.parsing.word.parts import Parts, members
from engines.parsing.word.prepare import Prepared, prepare

_BROKEN = (OfficeOxideError, zipfile.BadZipFile, etree.XMLSyntaxError, KeyError, ValueError)


def read_docx(job: Job) -> ParsedDocument:
    package.check(job)
    try:
        file = Package(job.path)
        prepared = prepare(file)
        tree = office_tree.load(prepared.data, "docx")
    except _BROKEN as error:
        from engines.parsing.office import second_opinion  # takes seconds to import

        return second_opinion.read(job, "docx", error)
    parts = Parts(job, file)
    found, last_page = elements(tree, parts.read)
    files, warnings = members(job, file)
    pages = last_page if _are_pages_known(file, prepared, last_page) else None
    metadata: dict[str, Any] = package.read_properties(job) | {"page_count": pages}
    if prepared.hidden:
        metadata["hidden_parts"] = prepared.hidden
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(found if pages else _without_pages(found)),
        members=tuple(files),
        metadata=metadata,
        warnings=(*file.warnings(), *warnings),
    )


def _are_pages_known(file: Package, prepared: Prepared, last_page: int) -> bool:
    """A file that Word never showed has only the breaks that were set by hand: that is enough if there are as many pages."""
    if prepared.was_shown:
        return True
    properties = file.tree("docProps/app.xml")
    said = properties.findtext("{*}Pages") or ""
    return int(said) <= last_page if said.isdigit() else last_page > 1


def _without_pages(found: list[Element]) -> list[Element]:
    return [element._replace(page=None) for element in found]


def read_doc(job: Job) -> ParsedDocument:
    """Read the old format, if need be through LibreOffice."""
    data, streams = job.path.read_bytes(), old_streams.read(job.path)
    try:
        tree = office_tree.load(old_streams.with_shown(data, streams), "doc")
    except OfficeOxideError as error:
        if "password" in str(error):
            raise ParseError("password_protected") from error
        if not shutil.which("soffice"):
            raise ParseError("corrupt_file", type="Word document") from error
        from engines.parsing.office import libreoffice

        return libreoffice.read(job)
    tree = old_text.decoded(tree, streams.document)
    pictures = Pictures(job)

    def read_picture(part: str | bytes) -> list[Element]:
        return pictures.read(part) or [] if isinstance(part, bytes) else []

    found, last_page = elements(tree, read_picture, streams.labels)
    files, refused = embedded_files(data)
    folder, pages = MemberFolder(job), streams.properties.get("page_count")
    for file in files:
        folder.add(file.name, file.data)
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(found if pages == last_page else _without_pages(found)),
        members=tuple(folder.members),
        metadata=_properties(tree) | streams.properties,
        warnings=(warning("unread_members", names=listed(refused)),) if refused else (),
    )


def _properties(tree: office_tree.Node) -> dict[str, Any]:
    names = ("title", "author", "subject", "keywords", "created", "modified", "description")
    return {name: tree["metadata"].get(name) for name in names}
