"""The files that are attached to a PDF."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pypdfium2.raw as pdfium_c

from engines.parsing import Member, ParseError
from engines.parsing.job import Job
from engines.parsing.members import MemberFolder
from engines.parsing.pdf.strings import read_string

_MAX_FILES = 1_000


def read_attachments(document: Any, job: Job) -> tuple[Member, ...]:
    folder, size = MemberFolder(job), 0
    for attachment in islice(_attachments(document), _MAX_FILES):
        name, data = read_string(pdfium_c.FPDFAttachment_GetName, attachment), _data(attachment)
        size += len(data)
        if size > job.limits.output_mb << 20:
            raise ParseError(
                "unpacks_too_large", size=f"more than {job.limits.output_mb}", limit=job.limits.output_mb
            )
        folder.add(name, data)
    return tuple(folder.members)


def _attachments(document: Any) -> Iterator[Any]:
    for index in range(pdfium_c.FPDFDoc_GetAttachmentCount(document)):
        yield pdfium_c.FPDFDoc_GetAttachment(document, index)


def _data(attachment: Any) -> bytes:
    size = ctypes.c_ulong()
    if not pdfium_c.FPDFAttachment_GetFile(attachment, None, 0, size) or not size.value:
        return b""
    buffer = ctypes.create_string_buffer(size.value)
    pdfium_c.FPDFAttachment_GetFile(attachment, buffer, size.value, size)
    return buffer.raw[: size.value]
