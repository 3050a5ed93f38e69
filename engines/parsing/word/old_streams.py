"""What office-oxide does not tell of a Word document of the old format."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from engines.parsing.office import ole_properties
from engines.parsing.word import old_numbering
from engines.parsing.word.old_numbering import Labels

_FLAGS_AT, _IS_FIRST_TABLE = 10, 0x200
_BROKEN = (OSError, ValueError, IndexError, struct.error)


class OldStreams(NamedTuple):
    """The main stream, the labels of numbered paragraphs, and the file's properties, each as far as it can be read."""

    document: bytes
    labels: Labels
    properties: dict[str, Any]


def read(path: Path) -> OldStreams:
    import olefile

    document, labels, properties = b"", Labels(), dict[str, Any]()
    with suppress(*_BROKEN), olefile.OleFileIO(path) as ole:
        properties = ole_properties.read(ole)
        document = ole.openstream("WordDocument").read()
        flags = struct.unpack_from("<H", document, _FLAGS_AT)[0]
        table = ole.openstream("1Table" if flags & _IS_FIRST_TABLE else "0Table").read()
        labels = old_numbering.labels(document, table)
    return OldStreams(document, labels, properties)
