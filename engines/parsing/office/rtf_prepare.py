"""Prepares RTF for the library that reads it: what the library does not know is taken away, or put where it reads it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

# Private characters at the beginning of a note that stands for something else.
COMMENT, BOX = "\ue000", "\ue001"
_TOKEN = re.compile(
    rb"\\(?P<word>[a-zA-Z]+)(?P<number>-?\d+)? ?|\\'[0-9a-fA-F]{2}|\\[^a-zA-Z]|[{}]|[^\\{}\r\n]+|[\r\n]+|\\",
    re.DOTALL,
)
_TABLES = ("fonttbl", "colortbl", "stylesheet", "listtable", "listoverridetable")
_UNSEEN = (
    "atnid",
    "atntime",
    "atndate",
    "atnref",
    "atnparent",
    "atnicn",
    "xmlnstbl",
    "themedata",
    "nonesttables",
)
_PROPERTIES = ("title", "author", "subject", "keywords")
_HEADERS = ("header", "headerl", "headerr", "headerf")
_FOOTERS = ("footer", "footerl", "footerr", "footerf")
_CODE_PAGE = re.compile(rb"\\ansicpg(\d+)")
_TWO_BYTE_PAGES = (b"932", b"936", b"949", b"950")
_TWO_BYTES = re.compile(rb"[\x81-\xfe][\x40-\xfe]")
# Control words that are text.
_SIGNS = [
    "u",
    "tab",
    "line",
    "bullet",
    "emdash",
    "endash",
    "emspace",
    "enspace",
    "lquote",
    "rquote",
    "ldblquote",
    "rdblquote",
]
_RAISED = re.compile(rb"[\d+\-()n]+")
_SUPERSCRIPTS = dict(zip(b"0123456789+-()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿ", strict=True))


@dataclass(slots=True)
class Prepared:
    """`body`, and each of `headers`, `footers` and `properties`, is a document of its own. `objects` are embedded files, in
    hexadecimal digits; `hidden` counts texts that are not shown."""

    body: bytes = b""
    headers: list[bytes] = field(default_factory=list)
    footers: list[bytes] = field(default_factory=list)
    objects: list[bytes] = field(default_factory=list)
    properties: dict[str, bytes] = field(default_factory=dict)
    hidden: int = 0


@dataclass(slots=True)
class _Group:
    """Where a group begins in what is written, what it is called, and how its text looks."""

    start: int = 0
    name: str = ""
    is_new: bool = True
    is_hidden: bool = False
    is_deleted: bool = False
    is_raised: bool = False


def prepare(data: bytes) -> Prepared:
    page = _CODE_PAGE.search(data[:1_000])
    if page and page[1] in _TWO_BYTE_PAGES:
        # The second byte of a letter may be a backslash or a brace.
        data = _TWO_BYTES.sub(lambda found: b"\\'%02x\\'%02x" % tuple(found[0]), data)
    return _Preparation(data, page[0] if page else b"").run()


class _Preparation:
    def __init__(self, data: bytes, code_page: bytes) -> None:
        self._data, self._code_page = data, code_page
        self._out = bytearray()
        self._groups = [_Group()]
        self._hidden_styles: set[str] = set()
        self._style, self._table_depth = "", 1
        self._author = b""
        self._tables: dict[str, bytes] = {}
        self._found = Prepared()
        self._endings: dict[str, Callable[[bytes], bytes]] = {
            **dict.fromkeys(_UNSEEN, lambda _content: b""),
            **dict.fromkeys(_HEADERS, lambda content: self._take(self._found.headers, content)),
            **dict.fromkeys(_FOOTERS, lambda content: self._take(self._found.footers, content)),
            "objdata": lambda content: self._take(self._found.objects, content),
            "atnauthor": self._end_author,
            "annotation": lambda content: _note(
                COMMENT, b"%s\\u%d?%s" % (self._author, _signed(COMMENT), content)
            ),
            "shptxt": lambda content: _note(BOX, content),
            "shprslt": lambda content: (
                b"" if b"\\u%d?" % _signed(BOX) in self._out[-len(content) - 400 :] else content
            ),
        }

    def run(self) -> Prepared:
        at = 0
        while match := _TOKEN.match(self._data, at):
            at, token = match.end(), match[0]
            if token == b"{":
                self._groups.append(replace(self._groups[-1], start=len(self._out), name="", is_new=True))
                self._out += token
            elif token == b"}":
                self._end()
            elif match["word"] == b"bin":
                at += max(0, int(match["number"] or 0))
            elif match["word"]:
                self._control(match["word"].decode(), match["number"], token)
            else:
                self._text(token)
        while len(self._groups) > 1:
            self._end()
        self._found.body = bytes(self._out)
        prefix = b"{\\rtf1\\ansi" + self._code_page + b"".join(self._tables.values())
        for parts in (self._found.headers, self._found.footers):
            parts[:] = [b"%s\\pard %s\\par}" % (prefix, part) for part in dict.fromkeys(parts)]
        for name, value in self._found.properties.items():
            self._found.properties[name] = b"%s\\pard %s\\par}" % (prefix, value)
        return self._found

    def _control(self, word: str, number: bytes | None, token: bytes) -> None:
        group, is_on = self._groups[-1], number != b"0"
        if group.is_new:
            group.name, group.is_new = word, False
        if word == "v":
            group.is_hidden = is_on
            if is_on and self._is_in_styles():
                self._hidden_styles.add(self._style)
        elif word == "deleted":
            group.is_deleted = is_on
        elif word == "super":
            group.is_raised = is_on
        elif word in ("plain", "pard", "nosupersub"):
            group.is_raised = False
            group.is_hidden = group.is_hidden and word == "nosupersub"
            group.is_deleted = group.is_deleted and word != "plain"
        elif word == "itap":
            # A table within tables that are not there is lost.
            self._table_depth = min(int(number or 1), self._table_depth + 1)
            token = b"\\itap%d " % self._table_depth
        elif word in ("s", "cs"):
            self._style = f"{word}{int(number or 0)}"
            group.is_hidden |= self._style in self._hidden_styles
        elif word in _SIGNS and (group.is_hidden or group.is_deleted):
            return
        self._out += token

    def _text(self, token: bytes) -> None:
        group = self._groups[-1]
        if token == b"\\*" and not group.is_new:  # means something at the beginning of a group only
            return
        if token != b"\\*" and token.strip():
            group.is_new = False
        if group.is_hidden or group.is_deleted:
            self._found.hidden += group.is_hidden and bool(token.strip()) and not self._is_in_styles()
        elif group.is_raised and _RAISED.fullmatch(token):
            self._out += b"".join(b"\\uc1\\u%d?" % ord(_SUPERSCRIPTS[sign]) for sign in token)
        else:
            self._out += token

    def _end(self) -> None:
        """End a group. What a destination of text has is written on, or taken away, when it is complete."""
        if len(self._groups) == 1:
            return
        group = self._groups.pop()
        if group.name in self._endings:
            content = bytes(self._out[group.start + 1 :])
            del self._out[group.start :]
            self._out += self._endings[group.name](_without_name(content, group.name))
            return
        if group.name in _PROPERTIES and self._groups[-1].name == "info":
            self._found.properties[group.name] = _without_name(
                bytes(self._out[group.start + 1 :]), group.name
            )
        self._out += b"}"
        if group.name in _TABLES:
            self._tables[group.name] = bytes(self._out[group.start :])

    def _is_in_styles(self) -> bool:
        return any(outer.name == "stylesheet" for outer in self._groups)

    def _take(self, parts: list[bytes], content: bytes) -> bytes:
        parts.append(content)
        return b""

    def _end_author(self, content: bytes) -> bytes:
        self._author = content.strip()
        return b""


def _without_name(content: bytes, name: str) -> bytes:
    return re.sub(rb"^(?:\\\*)?\s*\\%s(?:-?\d+)? ?" % name.encode(), b"", content)


def _note(mark: str, content: bytes) -> bytes:
    return b"{\\footnote\\pard\\plain\\uc1\\u%d?%s}" % (_signed(mark), content)


def _signed(character: str) -> int:
    return ord(character) - 0x10000 if ord(character) > 0x7FFF else ord(character)
