"""What zip-based documents have in common: declared sizes, and properties such as the author."""

from __future__ import annotations

import zipfile
from typing import Any

from lxml import etree

from engines.parsing import ParseError
from engines.parsing.job import Job

_METADATA_NAMES = {
    "title": "title",
    "creator": "author",
    "subject": "subject",
    "keywords": "keywords",
    "description": "description",
    "created": "created",
    "modified": "modified",
    "language": "language",
    # OpenDocument's own names
    "initial-creator": "author",
    "keyword": "keywords",
    "creation-date": "created",
    "date": "modified",
}
_MANIFEST = "META-INF/manifest.xml"  # of OpenDocument
_PROPERTIES = ("docProps/core.xml", "meta.xml")
_MAX_PROPERTIES_BYTES = 1 << 20


def check(job: Job) -> None:
    """Raise ParseError if the file is encrypted, or would unpack beyond the limit. (`zipfile` never unpacks more than an
    entry declares.)"""
    with zipfile.ZipFile(job.path) as archive:
        entries = archive.infolist()
        manifests = [
            entry
            for entry in entries
            if entry.filename == _MANIFEST and entry.file_size < _MAX_PROPERTIES_BYTES
        ]
        is_encrypted = any(b"encryption-data" in archive.read(entry) for entry in manifests)
    if is_encrypted or any(entry.flag_bits & 1 for entry in entries):
        raise ParseError("password_protected")
    size, limit = sum(entry.file_size for entry in entries) >> 20, job.limits.output_mb
    if size > limit:
        raise ParseError("unpacks_too_large", size=size, limit=limit)


def read_properties(job: Job) -> dict[str, Any]:
    """Return the properties of an Office or OpenDocument file."""
    with zipfile.ZipFile(job.path) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename in _PROPERTIES]
        data = b"".join(
            archive.read(entry) for entry in entries[:1] if entry.file_size < _MAX_PROPERTIES_BYTES
        )
    try:
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return {}
    nodes = {etree.QName(node).localname: node.text for node in root.iter("{*}*")}
    return {_METADATA_NAMES[name]: text for name, text in nodes.items() if name in _METADATA_NAMES and text}
