"""What office-oxide does not tell of a Word document of the old format."""

from __future__ import annotations

import struct
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from engines.parsing.office import ole_properties
from engines.parsing.word import old_hidden, old_numbering
from engines.parsing.word.old_numbering import Labels

MAIN_STREAM = "WordDocument"
_FLAGS_AT, _IS_FIRST_TABLE = 10, 0x200
_BROKEN = (OSError, ValueError, IndexError, struct.error)


class OldStreams(NamedTuple):
    """The main stream, `shown` with spaces in place of what styles hide, the labels of numbered paragraphs, and the file's
    properties, each as far as it can be read."""

    document: bytes
    shown: bytes
    labels: Labels
    properties: dict[str, Any]


def read(path: Path) -> OldStreams:
    import olefile

    document = shown = b""
    labels, properties = Labels(), dict[str, Any]()
    with suppress(*_BROKEN), olefile.OleFileIO(path) as ole:
        properties = ole_properties.read(ole)
        document = shown = ole.openstream(MAIN_STREAM).read()
        flags = struct.unpack_from("<H", document, _FLAGS_AT)[0]
        table = ole.openstream("1Table" if flags & _IS_FIRST_TABLE else "0Table").read()
        with suppress(*_BROKEN):
            shown = old_hidden.without_hidden(document, table)
        labels = old_numbering.labels(document, table)
    return OldStreams(document, shown, labels, properties)


def with_shown(data: bytes, streams: OldStreams) -> bytes:
    """Return the file's bytes without the text that styles hide."""
    import olefile

    if streams.shown == streams.document:
        return data
    file = BytesIO(data)
    with olefile.OleFileIO(file, write_mode=True) as ole:
        ole.write_stream(MAIN_STREAM, streams.shown)
        return file.getvalue()
