"""Opens .msg files, in which Outlook stores a message ([MS-OXMSG])."""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import olefile

from engines.parsing.mail.mapi import NAMED, MapiAttachment, MapiMessage, Properties, Property

_PROPERTIES = "__properties_version1.0"
_STREAM = re.compile("__substg1.0_([0-9A-F]{4})([0-9A-F]{4})", re.IGNORECASE)
_ATTACHMENT, _RECIPIENT = "__attach_version1.0_", "__recip_version1.0_"
_NAMES = ("__nameid_version1.0", "__substg1.0_00030102")
_ROOT_HEADER, _INNER_HEADER, _OTHER_HEADER = 32, 24, 8
_ENTRY = struct.Struct("<HHI8s")
_NAME_ENTRY = struct.Struct("<IHH")
_VARIABLE = (0x0D, 0x1E, 0x1F, 0x0102)
_MESSAGE_INSIDE = "__substg1.0_3701000D"
_FIRST_NAMED = 0x8000
Storage = tuple[str, ...]


def read(path: Path) -> MapiMessage:
    """Return the message with those that are attached to it. Raise OSError or ValueError if it is none."""
    with olefile.OleFileIO(path) as ole:
        return _File(ole).message((), _ROOT_HEADER)


class _File:
    def __init__(self, ole: Any) -> None:
        self._ole = ole
        self._streams = {tuple(path) for path in ole.listdir()}
        self._inside = defaultdict[Storage, list[Storage]](list)  # there may be thousands of recipients
        for path in map(tuple, ole.listdir(streams=True, storages=True)):
            self._inside[path[:-1]].append(path)
        self._names = dict(self._read_names())

    def message(self, storage: Storage, header_bytes: int) -> MapiMessage:
        found = MapiMessage(properties=self._properties(storage, header_bytes))
        for inside in self._storages(storage, _RECIPIENT):
            found.recipients.append(self._properties(inside, _OTHER_HEADER))
        for inside in self._storages(storage, _ATTACHMENT):
            attachment = MapiAttachment(self._properties(inside, _OTHER_HEADER))
            message = (*inside, _MESSAGE_INSIDE)
            if (*message, _PROPERTIES) in self._streams:
                attachment.message = self.message(message, _INNER_HEADER)
            found.attachments.append(attachment)
        return found

    def _storages(self, storage: Storage, prefix: str) -> list[Storage]:
        return [path for path in self._inside[storage] if path[-1].startswith(prefix)]

    def _properties(self, storage: Storage, header_bytes: int) -> Properties:
        """Return what is fixed in size, of one stream, and what has a stream of its own."""
        found = Properties()
        data = self._stream((*storage, _PROPERTIES))[header_bytes:]
        for kind, tag, _, value in _ENTRY.iter_unpack(data[: len(data) - len(data) % _ENTRY.size]):
            if kind not in _VARIABLE:
                found[self._names.get(tag, tag)] = Property(kind, value)
        for path in self._inside[storage]:
            match = _STREAM.fullmatch(path[-1])
            if match and path in self._streams:
                tag, kind = int(match[1], 16), int(match[2], 16)
                found[self._names.get(tag, tag)] = Property(kind, self._stream(path))
        return found

    def _stream(self, path: Storage) -> bytes:
        if path not in self._streams:
            return b""
        with self._ole.openstream(list(path)) as stream:
            return bytes(stream.read())

    def _read_names(self) -> Iterator[tuple[int, int]]:
        """Yield the numbers that named properties have in this file, and in their sets of names."""
        data = self._stream(_NAMES)
        for number, kind, index in _NAME_ENTRY.iter_unpack(data[: len(data) - len(data) % _NAME_ENTRY.size]):
            if not kind & 1:  # not by a text
                yield _FIRST_NAMED + index, NAMED | number
