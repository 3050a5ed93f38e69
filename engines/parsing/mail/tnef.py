"""Reads TNEF, the winmail.dat in which Outlook sends mails ([MS-OXTNEF])."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from engines.parsing.mail.mapi import NAMED, MapiAttachment, MapiMessage, Properties, Property

SIGNATURE = b"\x78\x9f\x3e\x22"
_HEADER_BYTES = 6
_ATTRIBUTE = struct.Struct("<BII")
_CHECKSUM_BYTES = 2
_CODE_PAGE, _PROPERTIES, _SUBJECT, _BODY = 0x69007, 0x69003, 0x18004, 0x2800C
_RECIPIENTS, _NEW_ATTACHMENT, _ATTACHMENT_PROPERTIES = 0x69004, 0x69002, 0x69005
_ATTACHMENT_DATA, _ATTACHMENT_NAME = 0x6800F, 0x18010
# How the old attributes are called as properties.
_OLD_TEXTS = {_SUBJECT: 0x0037, _BODY: 0x1000}
_TEXT, _BINARY, _OBJECT = 0x1E, 0x0102, 0x0D
_FIXED_BYTES = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_MANY = 0x1000
_INTERFACE_BYTES = 16
_MAX_PROPERTIES = 10_000


def read(data: bytes) -> MapiMessage:
    """Return the message. What is damaged ends it. Raise ValueError if it is no TNEF."""
    if not data.startswith(SIGNATURE):
        raise ValueError("It lacks the signature of TNEF")
    message = MapiMessage()
    for kind, value in _attributes(data):
        if kind == _CODE_PAGE:
            message.code_page = int.from_bytes(value[:4], "little")
        elif kind in _OLD_TEXTS:
            message.properties.setdefault(_OLD_TEXTS[kind], Property(_TEXT, value))
        elif kind == _PROPERTIES:
            message.properties.update(_Reader(value).properties())
        elif kind == _RECIPIENTS:
            message.recipients += _recipients(value)
        elif kind == _NEW_ATTACHMENT:
            message.attachments.append(MapiAttachment())
        elif message.attachments:
            _add_to_attachment(message.attachments[-1], kind, value)
    return message


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = _HEADER_BYTES
    while at + _ATTRIBUTE.size <= len(data):
        _, kind, size = _ATTRIBUTE.unpack_from(data, at)
        at += _ATTRIBUTE.size
        yield kind, data[at : at + size]
        at += size + _CHECKSUM_BYTES


def _recipients(value: bytes) -> list[Properties]:
    reader = _Reader(value)
    return [reader.properties() for _ in range(min(reader.number(), _MAX_PROPERTIES))]


def _add_to_attachment(attachment: MapiAttachment, kind: int, value: bytes) -> None:
    if kind == _ATTACHMENT_DATA:
        attachment.properties.setdefault(MapiAttachment.DATA, Property(_BINARY, value))
    elif kind == _ATTACHMENT_NAME:
        attachment.properties.setdefault(MapiAttachment.NAME, Property(_TEXT, value))
    elif kind == _ATTACHMENT_PROPERTIES:
        attachment.properties.update(_Reader(value).properties())
        inside = attachment.properties.get(MapiAttachment.DATA)
        if inside and inside.kind == _OBJECT:
            inner = inside.value[_INTERFACE_BYTES:]
            if inner.startswith(SIGNATURE):
                attachment.message = read(inner)
            attachment.properties[MapiAttachment.DATA] = Property(_BINARY, inner)


class _Reader:
    """Reads a list of properties. The end of the data ends the list."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def number(self) -> int:
        return int.from_bytes(self._take(4), "little")

    def properties(self) -> Properties:
        found = Properties()
        for _ in range(min(self.number(), _MAX_PROPERTIES)):
            if self._at >= len(self._data):
                break
            kind, tag = self._short(), self._short()
            tag = self._name(tag) if tag >= 0x8000 else tag
            values = self._values(kind)
            if values:
                found[tag] = Property(kind & ~_MANY, values[0])
        return found

    def _values(self, kind: int) -> list[bytes]:
        size = _FIXED_BYTES.get(kind & ~_MANY)
        if size and not kind & _MANY:
            return [self._take(size)]
        count = min(self.number(), _MAX_PROPERTIES)
        return [self._take(size) if size else self._padded(self.number()) for _ in range(count)]

    def _name(self, tag: int) -> int:
        """Skip the name that a property has instead of a number, or return its number in its set."""
        self._take(16)
        if self.number() == 0:
            return NAMED | self.number()
        self._padded(self.number())
        return tag

    def _padded(self, size: int) -> bytes:
        value = self._take(size)
        self._take(-size % 4)
        return value

    def _short(self) -> int:
        return int.from_bytes(self._take(2), "little")

    def _take(self, size: int) -> bytes:
        value = self._data[self._at : self._at + size]
        self._at += size
        return value
