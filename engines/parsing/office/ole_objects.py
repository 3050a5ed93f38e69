"""Files inside of OLE objects, which Office embeds in documents."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from pathlib import PureWindowsPath
from typing import Any, NamedTuple

from engines.parsing.office import ole_writer

SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_EMBEDDED = 2
_NATIVE = "\x01Ole10Native"
_POOL = "ObjectPool"  # where Word keeps its objects
_EXCEL_OBJECT = "MBD"
# By the stream that only this kind of file has.
_SUFFIXES = {
    "WordDocument": ".doc",
    "Workbook": ".xls",
    "Book": ".xls",
    "PowerPoint Document": ".ppt",
    "__properties_version1.0": ".msg",
    "VisioDocument": ".vsd",
}
# Streams that hold a whole file, in lower case, and how such a file begins.
_WHOLE = ("package", "contents", "embeddedodf")
_BEGINNINGS = {b"%PDF": ".pdf", b"{\\rtf": ".rtf", b"PK": ".zip"}
_PACKAGES = {
    b"word/document": ".docx",
    b"xl/workbook": ".xlsx",
    b"ppt/presentation": ".pptx",
    b"opendocument": "",
}
_BROKEN = (OSError, ValueError, IndexError, struct.error)


class EmbeddedFile(NamedTuple):
    name: str
    data: bytes


def unpack(data: bytes, name: str) -> EmbeddedFile | None:
    """Return the file that an object holds, or None if it holds none, as formulas and drawings do. `name` is that of the
    object's own file, and kept where the object says no other. What is no OLE object is a file itself."""
    if not data.startswith(SIGNATURE):
        return EmbeddedFile(name, data) if data else None
    import olefile

    stem = name.rpartition(".")[0] or name
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as ole:
            found = _read_storage(ole, [], stem)
    except _BROKEN:
        return None
    return found._replace(data=found.data or data) if found else None


def embedded_files(data: bytes) -> tuple[list[EmbeddedFile], list[str]]:
    """Return the files inside an old Word document or Excel workbook, and the names of objects that hold none."""
    import olefile

    found, refused = list[EmbeddedFile](), list[str]()
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as ole:
            for place in dict.fromkeys(filter(None, map(_place_of_object, ole.listdir()))):
                file = _read_object(ole, list(place))
                if file is None:
                    refused.append(place[-1])
                else:
                    found.append(file)
    except _BROKEN:
        refused.append(_POOL)
    return found, refused


def _place_of_object(entry: list[str]) -> tuple[str, ...]:
    """Return the storage of the object that an entry belongs to, or nothing."""
    if entry[0] == _POOL and len(entry) > 2:
        return tuple(entry[:2])
    return (entry[0],) if entry[0].startswith(_EXCEL_OBJECT) and len(entry) > 1 else ()


def _read_object(ole: Any, place: list[str]) -> EmbeddedFile | None:
    try:
        file = _read_storage(ole, place, f"object{place[-1]}")
        return file._replace(data=file.data or _copy(ole, place)) if file else None
    except _BROKEN:
        return None


def _read_storage(ole: Any, place: list[str], stem: str) -> EmbeddedFile | None:
    """Return the file in a storage, without data if the storage itself is the file."""
    depth = len(place)
    streams = {entry[depth] for entry in ole.listdir() if entry[:depth] == place and len(entry) > depth}
    if _NATIVE in streams:
        return _unpack_native(ole.openstream([*place, _NATIVE]).read(), stem)
    for stream in (stream for stream in streams if stream.lower() in _WHOLE):
        content = ole.openstream([*place, stream]).read()
        if content.startswith(tuple(_BEGINNINGS)):
            return EmbeddedFile(stem + _suffix(content), content)
    suffix = next((suffix for stream, suffix in _SUFFIXES.items() if stream in streams), None)
    return EmbeddedFile(stem + suffix, b"") if suffix else None


def _suffix(data: bytes) -> str:
    suffix = next(suffix for start, suffix in _BEGINNINGS.items() if data.startswith(start))
    if suffix != ".zip":
        return suffix
    return next((suffix for part, suffix in _PACKAGES.items() if part in data), suffix)


def _copy(ole: Any, place: list[str]) -> bytes:
    """Return a file with what is in a storage."""
    entries: Iterable[list[str]] = (entry for entry in ole.listdir() if entry[: len(place)] == place)
    return ole_writer.written({tuple(entry[len(place) :]): ole.openstream(entry).read() for entry in entries})


def _unpack_native(data: bytes, stem: str) -> EmbeddedFile | None:
    """Read a packaged file: its size, two flags, its label, its path, and after a temporary path its bytes."""
    file = io.BytesIO(data)
    file.seek(6)
    label, path = _text(file), _text(file)
    file.seek(4, io.SEEK_CUR)
    length = struct.unpack("<I", file.read(4))[0]
    file.seek(length, io.SEEK_CUR)
    size = struct.unpack("<I", file.read(4))[0]
    content = file.read(size)
    name = PureWindowsPath(label or path).name or stem
    return EmbeddedFile(name, content) if content else None


def _text(file: io.BytesIO) -> str:
    start = file.tell()
    end = file.getvalue().find(b"\0", start)
    text = file.read(max(end - start, 0))
    file.seek(1, io.SEEK_CUR)
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("cp1252", "replace")


def unpack_first_version(data: bytes, name: str) -> EmbeddedFile | None:
    """Return the file in an object of the first version of OLE: two numbers, three texts, its size, and its bytes. Links to
    files elsewhere have none."""
    file = io.BytesIO(data)
    try:
        _, kind = struct.unpack("<II", file.read(8))
        kind_name, _, _ = (file.read(struct.unpack("<I", file.read(4))[0]) for _ in range(3))
        content = file.read(struct.unpack("<I", file.read(4))[0])
        if kind == _EMBEDDED and kind_name.startswith(b"Package"):
            return _unpack_native(bytes(4) + content, name)
    except struct.error:
        return None
    return unpack(content, name) if kind == _EMBEDDED and content.startswith(SIGNATURE) else None
