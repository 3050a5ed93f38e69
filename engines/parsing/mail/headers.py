"""Headers of mails as text."""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses

from engines.parsing.texts import encoding

_FOLDED = re.compile(r"[\r\n]+[ \t]*")
_MAX_PEOPLE = 10
_WITH_NAMES = ("content-type", "content-disposition")


def header(mail: Message, name: str) -> str:
    """Return a header's text, or that of all headers with this name."""
    values = (text_of(str(value)) for key, value in mail.raw_items() if key.lower() == name)
    return ", ".join(filter(None, (" ".join(value.split()) for value in values)))


def text_of(value: str) -> str:
    """Decode what is encoded, or is there as bytes in some encoding."""
    raw = _FOLDED.sub(" ", value)
    try:
        parts = decode_header(raw)
    except (HeaderParseError, ValueError):
        return _readable(raw, "")
    return "".join(
        _readable(part, charset or "") if isinstance(part, str) else encoding.decode(part, charset or "")
        for part, charset in parts
    )


def _readable(text: str, charset: str) -> str:
    raw = text.encode("utf-8", "surrogateescape")
    return text if text.isascii() else encoding.decode(raw, charset)


def shown_people(text: str) -> str:
    """Return a list of addresses, of which only the first are shown if it is long."""
    people = getaddresses([text]) if text.count("@") > _MAX_PEOPLE or text.count(",") > _MAX_PEOPLE else []
    if len(people) <= _MAX_PEOPLE:
        return text
    first = (f"{name} <{address}>" if name else address for name, address in people[:_MAX_PEOPLE])
    return f"{', '.join(first)} and {len(people) - _MAX_PEOPLE} more"


def attached_name(part: Message) -> str:
    """Return the name of an attachment, or ""."""
    for key, value in part.raw_items():
        if key.lower() in _WITH_NAMES and not str(value).isascii():  # then Python would replace the letters
            part.replace_header(key, _readable(str(value), ""))
    try:
        return " ".join(text_of(part.get_filename() or "").split())
    except Exception:  # the parser raises many kinds
        return ""
