"""Office documents in one XML file: their parts are put into the package that they would be, which its own reader reads."""

from __future__ import annotations

import base64
import binascii
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from lxml import etree

from engines.parsing import Element, PageKind, ParsedDocument, element_builders
from engines.parsing.formats import BY_TYPE, load_reader
from engines.parsing.job import Job
from engines.parsing.markup.mathml import local_name
from engines.parsing.markup.xml_data import flow

_PACKAGE = "{http://schemas.microsoft.com/office/2006/xmlPackage}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_SHEET = "{urn:schemas-microsoft-com:office:spreadsheet}"
_WORD_2003 = "http://schemas.microsoft.com/office/word/2003/wordml"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_ANNOTATIONS = "{http://schemas.microsoft.com/aml/2001/core}"
_NOT_ACCEPTED = ("Word.Comment", "Word.Deletion")
_OPEN_XML = "application/vnd.openxmlformats-officedocument."
_TYPES = {
    "word": f"{_OPEN_XML}wordprocessingml.document",
    "ppt": f"{_OPEN_XML}presentationml.presentation",
    "xl": f"{_OPEN_XML}spreadsheetml.sheet",
}
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_MAX_COLUMNS = 1_000

Reader = Callable[[Job, Any], ParsedDocument]


def reader_of(root: Any) -> Reader | None:
    """Return the function that reads documents with this root, if it is of an Office program."""
    if root.tag == f"{_OFFICE}document":
        format = BY_TYPE.get(root.get(f"{_OFFICE}mimetype"))
        return _read_open_document if format and not format.starts_programs else None
    return _READERS.get(root.tag)


def body_of(root: Any) -> Any:
    """Return what of a document without a reader is its text, and neither its settings nor its styles."""
    body = root.find(f"{_OFFICE}body") if root.tag == f"{_OFFICE}document" else None
    return root if body is None else body


def _read_package(job: Job, root: Any) -> ParsedDocument:
    """Flat OPC, as Word and PowerPoint save it."""
    parts = {part.get(f"{_PACKAGE}name").lstrip("/"): part for part in root.iter(f"{_PACKAGE}part")}
    content_types = etree.Element(
        "Types", xmlns="http://schemas.openxmlformats.org/package/2006/content-types"
    )
    for name, part in parts.items():
        etree.SubElement(
            content_types, "Override", PartName=f"/{name}", ContentType=part.get(f"{_PACKAGE}contentType", "")
        )
    data = {"[Content_Types].xml": etree.tostring(content_types)}
    data |= {name: _part_data(part) for name, part in parts.items()}
    folder = next(
        (folder for folder in _TYPES if any(name.startswith(f"{folder}/") for name in parts)), "word"
    )
    return _read_as(job, _TYPES[folder], data)


def _part_data(part: Any) -> bytes:
    for child in part:
        if child.tag == f"{_PACKAGE}binaryData":
            try:
                return base64.b64decode(child.text or "")
            except (binascii.Error, ValueError):
                return b""
        if child.tag == f"{_PACKAGE}xmlData" and len(child):
            return bytes(etree.tostring(child[0]))
    return b""


def _read_word_2003(job: Job, root: Any) -> ParsedDocument:
    """Word's own XML of 2003 has the elements of the later one in another namespace, in sections of a third one."""
    body = root.find(f"{{{_WORD_2003}}}body")
    for node in root.iter(f"{_ANNOTATIONS}annotation"):
        if node.get(f"{{{_WORD_2003}}}type") in _NOT_ACCEPTED:
            node.clear(keep_tail=True)
    for node in root.iter("{http://schemas.microsoft.com/office/word/2003/auxHint}*", f"{_ANNOTATIONS}*"):
        node.tag = "wrapper"
    etree.strip_elements(root, f"{{{_WORD_2003}}}binData", with_tail=False)
    etree.strip_tags(root, "wrapper")
    content = etree.tostring(body, with_tail=False).replace(_WORD_2003.encode(), _WORD.encode())
    content = b'<w:document xmlns:w="%s">%s</w:document>' % (_WORD.encode(), content)
    return _read_as(job, _TYPES["word"], _minimal_word_package(content))


def _minimal_word_package(document: bytes) -> dict[str, bytes]:
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{_TYPES["word"]}.main+xml"/></Types>'
    )
    relations = (
        f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r1" Type="{relation}" Target="word/document.xml"/>'
        "</Relationships>"
    )
    return {
        "[Content_Types].xml": types.encode(),
        "_rels/.rels": relations.encode(),
        "word/document.xml": document,
    }


def _read_open_document(job: Job, root: Any) -> ParsedDocument:
    """Flat OpenDocument is the content of the package and the styles in one."""
    mime_type = root.get(f"{_OFFICE}mimetype")
    etree.strip_elements(root, f"{_OFFICE}binary-data", f"{_OFFICE}scripts", with_tail=False)
    root.tag = f"{_OFFICE}document-content"
    manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    data = {
        "mimetype": mime_type.encode(),
        "META-INF/manifest.xml": manifest.encode(),
        "content.xml": etree.tostring(root),
    }
    return _read_as(job, mime_type, data)


def _read_as(job: Job, mime_type: str, parts: dict[str, bytes]) -> ParsedDocument:
    path = job.workdir / "package"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return load_reader(mime_type)(replace(job, path=path, mime_type=mime_type))


def _read_sheets(job: Job, root: Any) -> ParsedDocument:
    """Excel's own XML of 2003."""
    sheets = list(root.iter(f"{_SHEET}Worksheet"))
    found: list[Element] = []
    for page, sheet in enumerate(sheets, 1):
        rows = [list(_cells(row)) for row in sheet.iter(f"{_SHEET}Row")]
        if any(any(row) for row in rows):
            found += [
                element_builders.title(sheet.get(f"{_SHEET}Name", ""), 1, page),
                element_builders.table(rows, page),
            ]
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(found),
        metadata={"page_count": len(sheets)},
        page_kind=PageKind.SHEET,
    )


def _cells(row: Any) -> Iterator[str]:
    """Yield the cells, each in its column: an index skips columns, and a merged cell covers some."""
    column = 1
    for cell in row.iter(f"{_SHEET}Cell"):
        index = min(int(cell.get(f"{_SHEET}Index", column)), _MAX_COLUMNS)
        yield from [""] * (index - column)
        texts = [flow(data) for data in cell if local_name(data) in ("Data", "Comment")]
        merged = min(int(cell.get(f"{_SHEET}MergeAcross", 0)), _MAX_COLUMNS)
        yield from [" ".join(texts)] * (1 + merged)
        column = max(index, column) + 1 + merged


_READERS: dict[str, Reader] = {
    f"{_PACKAGE}package": _read_package,
    f"{{{_WORD_2003}}}wordDocument": _read_word_2003,
    f"{_SHEET}Workbook": _read_sheets,
}
