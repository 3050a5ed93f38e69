"""Messages as Outlook stores them, in .msg files and winmail.dat, and their form as mails."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import ClassVar, NamedTuple

from engines.parsing.texts import encoding

NAMED = 0x10000  # added to the numbers of properties that are named in a set of their own
_TEXT, _UNICODE, _TIME = 0x1E, 0x1F, 0x40
_CODE_PAGES = (0x3FFD, 0x3FDE)
_UNICODE_PAGES = (1200, 1201, 65001)
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


class Property(NamedTuple):
    """The value as it is stored, with the number of its type."""

    kind: int
    value: bytes


class Properties(dict[int, Property]):
    """A property by its number, or by NAMED and its number in a set of names."""

    def number(self, tag: int) -> int:
        return int.from_bytes(self[tag].value[:4], "little") if tag in self else 0

    def data(self, tag: int) -> bytes:
        return self[tag].value if tag in self else b""

    def time(self, tag: int) -> datetime | None:
        if tag not in self or self[tag].kind != _TIME:
            return None
        ticks = int.from_bytes(self[tag].value[:8], "little")
        try:
            return _EPOCH + timedelta(microseconds=ticks // 10)
        except OverflowError:
            return None


@dataclass(slots=True)
class MapiAttachment:
    """`message` is set if a message is attached."""

    DATA: ClassVar[int] = 0x3701
    NAME: ClassVar[int] = 0x3704

    properties: Properties = field(default_factory=Properties)
    message: MapiMessage | None = None


@dataclass
class MapiMessage:
    """`code_page` is that of texts that are not in Unicode."""

    properties: Properties = field(default_factory=Properties)
    recipients: list[Properties] = field(default_factory=list)
    attachments: list[MapiAttachment] = field(default_factory=list)
    code_page: int = 0

    def text(self, tag: int, properties: Properties | None = None) -> str:
        """Return the text of this property, of the message or of these properties of it."""
        source = self.properties if properties is None else properties
        if tag not in source:
            return ""
        kind, value = source[tag]
        if kind == _UNICODE:
            return value.decode("utf-16-le", "replace").rstrip("\0")
        return self._decoded(value.rstrip(b"\0")) if kind == _TEXT else ""

    def decode(self, data: bytes) -> str:
        """Return text of the body that is stored as bytes."""
        return encoding.decode(data, self._declared())

    def _decoded(self, data: bytes) -> str:
        """One text may be in another encoding than the others, such as a body in UTF-8."""
        try:
            return data.decode(self._encoding)
        except UnicodeDecodeError:
            return encoding.decode(data)

    @cached_property
    def _encoding(self) -> str:
        """Return the encoding of all texts together: what is declared is often wrong, and most of them are short."""
        lists = [self.properties, *self.recipients, *(one.properties for one in self.attachments)]
        texts = [one.value for each in lists for one in each.values() if one.kind == _TEXT]
        return encoding.guess(b"\n".join(text.rstrip(b"\0") for text in texts), self._declared())

    def _declared(self) -> str:
        numbers = (self.code_page, *map(self.properties.number, _CODE_PAGES))
        number = next(filter(None, numbers), 0)
        return "utf-8" if number in _UNICODE_PAGES else f"cp{number}" if number else ""
