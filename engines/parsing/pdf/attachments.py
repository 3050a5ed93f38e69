"""The files inside of a PDF."""

from __future__ import annotations

import ctypes
from typing import Any

import pypdfium2.raw as pdfium_c

from engines.parsing import Member, ParseError
from engines.parsing.archives.members import MemberFolder
from engines.parsing.job import Job
from engines.parsing.pdf.strings import read_string

_MAX_FILES = 1_000


class Attachments:
    """Unpacks attached files. One that is attached to a place is mostly in the document's list, too, and taken once."""

    def __init__(self, job: Job) -> None:
        self._limit_mb = job.limits.output_mb
        self._folder, self._size = MemberFolder(job), 0
        self._seen = set[tuple[str, int, int]]()

    @property
    def members(self) -> tuple[Member, ...]:
        return tuple(self._folder.members)

    def add_all(self, document: Any) -> None:
        for index in range(min(pdfium_c.FPDFDoc_GetAttachmentCount(document), _MAX_FILES)):
            self.add(pdfium_c.FPDFDoc_GetAttachment(document, index))

    def add(self, attachment: Any) -> None:
        name, data = read_string(pdfium_c.FPDFAttachment_GetName, attachment), _data(attachment)
        key = name, len(data), hash(data)
        if key in self._seen:
            return
        self._seen.add(key)
        self._size += len(data)
        if self._size > self._limit_mb << 20:
            raise ParseError("unpacks_too_large", size=f"more than {self._limit_mb}", limit=self._limit_mb)
        self._folder.add(name, data)


def _data(attachment: Any) -> bytes:
    size = ctypes.c_ulong()
    if not pdfium_c.FPDFAttachment_GetFile(attachment, None, 0, size) or not size.value:
        return b""
    buffer = ctypes.create_string_buffer(size.value)
    pdfium_c.FPDFAttachment_GetFile(attachment, buffer, size.value, size)
    return buffer.raw[: size.value]
