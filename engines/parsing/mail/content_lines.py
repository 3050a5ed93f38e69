"""The lines of calendars and contacts: a name with options, and a value."""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator
from typing import NamedTuple

from engines.parsing.texts import encoding

_FOLDED = re.compile(r"\r?\n[ \t]")
_SOFT_BREAK = re.compile(r"=\r?\n")
_LINE = re.compile(r'(?P<name>[\w.-]+)(?P<options>(?:;[\w-]+(?:=(?:"[^"]*"|[^";:])*)?)*):(?P<value>.*)')
_OPTION = re.compile(r';([\w-]+)(?:=(?:"([^"]*)"|([^";:]*)))?')
_ESCAPE = re.compile(r"\\(.)")
_QUOTED = "QUOTED-PRINTABLE"


class Property(NamedTuple):
    """The options of the first versions are names alone: these have no values."""

    name: str
    options: dict[str, str]
    value: str

    @property
    def text(self) -> str:
        return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], self.value).strip()

    @property
    def person(self) -> str:
        address = re.sub(r"(?i)^mailto:", "", self.value)
        name = self.options.get("CN", "")
        return f"{name} <{address}>" if name and name != address else address


def properties(text: str) -> Iterator[Property]:
    """Yield the properties in their order, with the begins and ends of what they belong to."""
    unfolded = _FOLDED.sub("", _SOFT_BREAK.sub("", text) if _QUOTED in text.upper() else text)
    for line in unfolded.splitlines():
        if match := _LINE.fullmatch(line.strip()):
            options = {
                key.upper(): quoted or plain for key, quoted, plain in _OPTION.findall(match["options"])
            }
            value = match["value"]
            if _QUOTED in options or options.get("ENCODING", "").upper() == _QUOTED:
                value = encoding.decode(quopri.decodestring(value.encode()), options.get("CHARSET", ""))
            yield Property(match["name"].upper().rpartition(".")[2], options, value)
