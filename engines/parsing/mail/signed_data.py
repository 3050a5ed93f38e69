"""The content of signed files (CMS, PKCS #7), as in smime.p7m. The signature itself is not checked."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import PurePath
from typing import NamedTuple

from engines.parsing import ParsedDocument, ParseError
from engines.parsing.archives.members import MemberFolder
from engines.parsing.job import Job

_SIGNED = bytes.fromhex("2a864886f70d010702")
_ENCRYPTED = (bytes.fromhex("2a864886f70d010703"), bytes.fromhex("2a864886f70d010706"))
_OBJECT_ID, _BYTES, _CONSTRUCTED, _CONTENT = 0x06, 0x04, 0x20, 0xA0
_END = b"\0\0"
_ARMOUR = re.compile(rb"-----BEGIN [^-]+-----(.*?)-----END", re.DOTALL)
_MAX_DEPTH = 30


class _Value(NamedTuple):
    """A value of ASN.1, with its tag. A constructed one consists of `parts`."""

    tag: int
    data: bytes
    parts: tuple[_Value, ...]


def read(job: Job) -> ParsedDocument:
    """Read a signed file: its content is a member, with the name without what signing has added."""
    data = job.path.read_bytes()
    members = MemberFolder(job)
    members.add(PurePath(job.filename).stem or "content", content(data))
    return ParsedDocument(mime_type=job.mime_type, members=tuple(members.members))


def content(data: bytes) -> bytes:
    """Return the content, or nothing if only a signature is there. Raise ParseError if it is encrypted, and ValueError if
    the data is nothing of this kind."""
    if armour := _ARMOUR.search(data):
        data = armour[1]
    if not data.startswith(b"0"):
        with_padding = b"".join(data.split()) + b"=="
        try:
            data = base64.b64decode(with_padding)
        except binascii.Error as error:
            raise ValueError("It is neither DER nor base64") from error
    root, _ = _parse(data, 0, 0)
    kind = root.parts[0].data if root.parts else b""
    if kind in _ENCRYPTED:
        raise ParseError("password_protected")
    if kind != _SIGNED:
        raise ValueError("It is nothing signed")
    wrapped = next((part for part in root.parts[1].parts[0].parts if _is_content(part)), None)
    return b"".join(_octets(wrapped.parts[1])) if wrapped and len(wrapped.parts) > 1 else b""


def _is_content(value: _Value) -> bool:
    return (
        bool(value.parts)
        and value.parts[0].tag == _OBJECT_ID
        and value.parts[-1].tag in (_CONTENT, _OBJECT_ID)
    )


def _octets(value: _Value) -> Iterator[bytes]:
    """Yield the pieces of a string of bytes."""
    if value.tag == _BYTES:
        yield value.data
    for part in value.parts:
        yield from _octets(part)


def _parse(data: bytes, at: int, depth: int) -> tuple[_Value, int]:
    """Return the value that begins here, and where it ends. Values may be without a length, up to an end mark (BER)."""
    if depth > _MAX_DEPTH or at + 2 > len(data):
        raise ValueError("It is nested too deeply, or cut off")
    tag, size, at = data[at], data[at + 1], at + 2
    if size > 0x80:
        width = size & 0x7F
        size, at = int.from_bytes(data[at : at + width], "big"), at + width
    elif size == 0x80:
        return _parse_until_mark(data, tag, at, depth)
    end = min(at + size, len(data))
    if not tag & _CONSTRUCTED:
        return _Value(tag, data[at:end], ()), end
    parts: list[_Value] = []
    with suppress(ValueError):  # the signature behind the content may be cut off
        while at < end:
            part, at = _parse(data, at, depth + 1)
            parts.append(part)
    return _Value(tag, b"", tuple(parts)), end


def _parse_until_mark(data: bytes, tag: int, at: int, depth: int) -> tuple[_Value, int]:
    parts: list[_Value] = []
    with suppress(ValueError):
        while data[at : at + 2] != _END:
            part, at = _parse(data, at, depth + 1)
            parts.append(part)
    return _Value(tag, b"", tuple(parts)), at + 2
