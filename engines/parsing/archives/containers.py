"""Detects the type of zip and OLE files by what is inside."""

from __future__ import annotations

import re
import tarfile
import zipfile
from pathlib import Path

from engines.parsing import ParseError
from engines.parsing.archives import unsupported
from engines.parsing.formats import FORMATS, supported_formats
from engines.parsing.readers.archives import ZIP
from engines.parsing.readers.epub import EPUB
from engines.parsing.readers.open_document import ODP, ODS

_PACKAGES = {package: one.mime_type for one in FORMATS for package in one.packages}
# A file in a folder says more than the folder.
_FOLDERS = dict(
    sorted(((one.folder, one.mime_type) for one in FORMATS if one.folder), key=lambda row: "/" not in row[0])
)
_STREAMS = {stream: one.mime_type for one in FORMATS for stream in one.streams}
_CONTENT_TYPES = "[Content_Types].xml"
_EPUB_CONTAINER = "META-INF/container.xml"
_MANIFEST = "META-INF/manifest.xml"
_ENTRY_TAG, _MEDIA_TYPE = re.compile(rb"<[^>]*>"), re.compile(rb'media-type="([^"]*)"')
_FLAT_DOCUMENT = re.compile(r"""<office:document\s[^>]*office:mimetype=["']([^"']+)""")
_READ_FLAT = (ODS, ODP)
_MAX_DECLARATION_BYTES = 4_096


def type_in_zip(path: Path, filename: str) -> str:
    """Return the type of a zip file. Raise ParseError if it cannot be opened, or is of a format that is not supported."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            declared = _declared_type(archive, names)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, ValueError, EOFError) as error:
        raise ParseError("corrupt_file", type="zip archive or Office document") from error
    if declared in _PACKAGES:
        return _PACKAGES[declared]
    if declared and "/" in declared:
        raise unsupported_error(unsupported.package_name(declared))
    if name := unsupported.zip_name(names, filename):
        raise unsupported_error(name)
    if _CONTENT_TYPES not in names:
        return EPUB if _EPUB_CONTAINER in names else ZIP
    parts = {part for name in names if "/" in name for part in (name.lower(), name.split("/", 1)[0].lower())}
    for folder, mime_type in _FOLDERS.items():
        if folder in parts:
            return mime_type
    raise unsupported_error("Office file of an unknown kind")


def type_of_flat_file(text: str) -> str:
    """Return the type of an OpenDocument file that is no package, by the beginning of its text, or "" if it is none that
    its own reader takes as it is: others are put into a package first."""
    declared = _FLAT_DOCUMENT.search(text)
    mime_type = _PACKAGES.get(declared[1], "") if declared else ""
    return mime_type if mime_type in _READ_FLAT else ""


def _declared_type(archive: zipfile.ZipFile, names: list[str]) -> str:
    """Return what the package says of itself, or ""."""
    if "mimetype" in names:
        return _beginning(archive, "mimetype").decode("ascii", "replace").strip()
    manifest = _beginning(archive, _MANIFEST) if _MANIFEST in names else b""
    root = next((tag for tag in _ENTRY_TAG.findall(manifest) if b'full-path="/"' in tag), b"")
    found = _MEDIA_TYPE.search(root)
    return found[1].decode("ascii", "replace") if found else ""


def _beginning(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        return file.read(_MAX_DECLARATION_BYTES)


def type_in_ole(path: Path) -> str:
    """Return the type of an OLE file. Raise ParseError as `type_in_zip` does."""
    import olefile

    try:
        with olefile.OleFileIO(path) as ole:
            streams = ["/".join(entry).lower() for entry in ole.listdir()]
    except Exception as error:
        raise ParseError("corrupt_file", type="Office document") from error
    for stream, mime_type in _STREAMS.items():
        if stream in streams:
            return mime_type
    raise unsupported_error(unsupported.ole_name(streams))


def unsupported_error(description: str) -> ParseError:
    return ParseError("unsupported_type", type=description, supported=supported_formats())


def is_tar(head: bytes) -> bool:
    """Return whether the first block has the checksum of a tar archive's entry. Old archives have no other mark."""
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True
