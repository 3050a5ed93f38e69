"""Files inside of OLE objects, which Office embeds in documents."""

from __future__ import annotations

import io
import struct
from pathlib import PureWindowsPath
from typing import NamedTuple

SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NATIVE = "\x01Ole10Native"
# By the stream that only this kind of file has.
_SUFFIXES = {
    "WordDocument": ".doc",
    "Workbook": ".xls",
    "Book": ".xls",
    "PowerPoint Document": ".ppt",
    "__properties_version1.0": ".msg",
    "VisioDocument": ".vsd",
}
# Streams that hold a whole file.
_WHOLE = {"Package": "", "CONTENTS": ".pdf", "EmbeddedOdf": ".odt"}


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
            streams = {entry[0] for entry in ole.listdir()}
            if _NATIVE in streams:
                return _unpack_native(ole.openstream(_NATIVE).read(), stem)
            for stream in _WHOLE.keys() & streams:
                content = ole.openstream(stream).read()
                if content.startswith((b"PK", b"%PDF")):
                    return EmbeddedFile(stem + (_WHOLE[stream] or ".zip"), content)
    except (OSError, ValueError, IndexError, struct.error):
        return None
    suffix = next((suffix for stream, suffix in _SUFFIXES.items() if stream in streams), None)
    return EmbeddedFile(stem + suffix, data) if suffix else None


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
