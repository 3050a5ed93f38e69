"""Org, parsed line by line. Files that a document names are not read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from engines.parsing import Element, ElementKind, ParsedDocument, element_builders
from engines.parsing.job import Job
from engines.parsing.texts.text import load_counted

_HEADING = re.compile(r"(\*+)[ \t]+(.*)")
_HEADING_TAGS = re.compile(r"[ \t]+(?::[\w@#%]+)+:[ \t]*$")
_KEYWORD = re.compile(r"[ \t]*#\+(\w+)(?:\[[^\]]*\])?:[ \t]*(.*)")
_BEGIN = re.compile(r"[ \t]*#\+begin_(\w+)", re.I)
_DRAWER = re.compile(r"[ \t]*:[\w-]+:[ \t]*$")
_DRAWER_END = re.compile(r"[ \t]*:end:[ \t]*$", re.I)
_ITEM = re.compile(
    r"([ \t]*)(?:[-+]|(?<=[ \t])\*|(\d+[.)]|[A-Za-z][.)]))(?:[ \t]+\[@(\w+)\])?(?:[ \t]+(.*))?$"
)
_TERM = re.compile(r"(.+?)[ \t]+::[ \t]+")
_TABLE_RULE = re.compile(r"[ \t]*\|-")
_NOTE = re.compile(r"\[fn:([\w-]+)\][ \t]*(.*)")
_LITERAL = re.compile(r"[ \t]*:(?: (.*)|$)")
_COMMENT = re.compile(r"[ \t]*#(?: |$)")
_METADATA = {
    "title": "title",
    "author": "author",
    "date": "created",
    "language": "language",
    "keywords": "keywords",
}
_CODE_BLOCKS = ("src", "example")
_MAX_DRAWER = 200  # lines
_UNSEEN_BLOCKS = ("comment", "export")

_INLINE_NOTE = re.compile(r"\[fn:([\w-]*)(?::((?:[^\[\]]|\[[^\[\]]{0,200}\]){0,2000}))?\]")
_LINK = re.compile(r"\[\[([^\[\]]{1,2000})\](?:\[([^\[\]]{1,2000})\])?\]")
_PICTURE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|pdf)$", re.I)
_EMPHASIS = re.compile(r"(?<![\w*/_=~+])([*/_=~+])(\S(?:.{0,400}?\S)?)\1(?![\w*/_=~+])")
_UNSEEN = re.compile(r"<<<?[^<>\n]{1,200}>>>?|@@\w+:.{0,400}?@@|\\\\[ \t]*$", re.M)
_DATE = re.compile(r"[<\[](\d{4}-\d\d-\d\d[^<>\[\]\n]{0,60})[>\]]")


def read(job: Job) -> ParsedDocument:
    content = load_counted(job)
    reader = _Reader()
    found = tuple(reader.elements(content.text.lstrip("\ufeff").split("\n")))
    return ParsedDocument(
        mime_type=job.mime_type, elements=found, metadata=reader.metadata, warnings=content.warnings
    )


class _Reader:
    """Reads blocks. `_notes` are those that wait for the end of the block that has their marks."""

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = {}
        self._definitions: dict[str, str] = {}
        self._notes: list[str] = []

    def elements(self, lines: list[str]) -> Iterator[Element]:
        lines = list(self._without_definitions(lines))
        yield from self._blocks(lines)
        yield from (Element(ElementKind.NOTE, f"[{name}] {text}") for name, text in self._definitions.items())

    def _without_definitions(self, lines: list[str]) -> Iterator[str]:
        """Keep the notes, each of which ends at a blank line, a heading or another note."""
        name = ""
        for line in lines:
            if note := _NOTE.match(line):
                name, self._definitions[note[1]] = note[1], _plain(note[2])
            elif name and line.strip() and not line.startswith("*"):
                self._definitions[name] += " " + _plain(line.strip())
            else:
                name = ""
                yield line

    def _blocks(self, lines: list[str]) -> Iterator[Element]:
        at = 0
        while at < len(lines):
            end, found = self._block(lines, at)
            for element in found:
                yield element
                yield from (Element(ElementKind.NOTE, note) for note in self._notes)
                self._notes.clear()
            at = end

    def _block(self, lines: list[str], at: int) -> tuple[int, list[Element]]:
        """Return the index behind the block that begins here, and its elements."""
        line = lines[at]
        if begin := _BEGIN.match(line):
            return self._delimited(lines, at, begin[1].lower())
        if line.lstrip().startswith("|"):
            return self._table(lines, at)
        if item := _ITEM.match(line):
            return self._item(lines, at, item)
        return self._unseen(lines, at) or self._named(lines, at) or self._plain_block(lines, at)

    def _unseen(self, lines: list[str], at: int) -> tuple[int, list[Element]] | None:
        line = lines[at].strip()
        if _DRAWER.match(line):
            last = min(len(lines), at + _MAX_DRAWER)
            at = next((end for end in range(at, last) if _DRAWER_END.match(lines[end])), at)
            return at + 1, []
        return (at + 1, []) if not line or _COMMENT.match(line) or set(line) == {"-"} else None

    def _named(self, lines: list[str], at: int) -> tuple[int, list[Element]] | None:
        if heading := _HEADING.match(lines[at]):
            text = _HEADING_TAGS.sub("", heading[2])
            return at + 1, [element_builders.title(self._words(text), len(heading[1]))]
        if keyword := _KEYWORD.match(lines[at]):
            return at + 1, list(self._keyword(keyword[1].lower(), keyword[2].strip()))
        return None

    def _plain_block(self, lines: list[str], at: int) -> tuple[int, list[Element]]:
        if _LITERAL.match(lines[at]):
            end = _while(lines, at, _LITERAL)
            return end, [element_builders.code("\n".join(text.strip()[2:] for text in lines[at:end]))]
        end = self._end_of_paragraph(lines, at)
        return end, [
            element_builders.paragraph(self._words("\n".join(text.strip() for text in lines[at:end])))
        ]

    def _delimited(self, lines: list[str], at: int, name: str) -> tuple[int, list[Element]]:
        closing = f"#+end_{name}"
        end = next(
            (end for end in range(at, len(lines)) if lines[end].strip().lower() == closing), len(lines)
        )
        inside = lines[at + 1 : end]
        if name in _CODE_BLOCKS:
            margin = min((len(line) - len(line.lstrip()) for line in inside if line.strip()), default=0)
            return end + 1, [element_builders.code("\n".join(line[margin:] for line in inside))]
        return end + 1, [] if name in _UNSEEN_BLOCKS else list(self._blocks(inside))

    def _keyword(self, name: str, value: str) -> Iterator[Element]:
        if name in _METADATA and value:
            self.metadata[_METADATA[name]] = _plain(value)
        if name == "title":
            yield element_builders.title(self._words(value))
        elif name == "caption":
            yield Element(ElementKind.CAPTION, self._words(value))

    def _table(self, lines: list[str], at: int) -> tuple[int, list[Element]]:
        end = at
        rows: list[list[str]] = []
        header_rows = 0
        while end < len(lines) and lines[end].lstrip().startswith("|"):
            if _TABLE_RULE.match(lines[end]):
                header_rows = header_rows or len(rows)
            else:
                cells = lines[end].strip().removeprefix("|").removesuffix("|").split("|")
                rows.append([self._words(cell.strip()) for cell in cells])
            end += 1
        return end, [element_builders.table(rows, header_rows=header_rows if header_rows < len(rows) else 0)]

    def _item(self, lines: list[str], at: int, item: re.Match[str]) -> tuple[int, list[Element]]:
        """An item goes on in lines that are indented more than its mark."""
        end = at + 1
        indent = len(item[1])
        while end < len(lines) and lines[end].strip() and not self._is_block(lines[end]):
            if len(lines[end]) - len(lines[end].lstrip()) <= indent:
                break
            end += 1
        text = "\n".join([item[4] or "", *(line.strip() for line in lines[at + 1 : end])])
        number = item[2] or ""
        number = f"{item[3]}{number[-1]}" if item[3] and number else number
        words = self._words(_TERM.sub(r"\1: ", text, count=1))
        return end, [element_builders.item(f"{number} {words}" if number else words)]

    def _end_of_paragraph(self, lines: list[str], at: int) -> int:
        end = at + 1
        while end < len(lines) and lines[end].strip() and not self._is_block(lines[end]):
            end += 1
        return end

    def _is_block(self, line: str) -> bool:
        starts = (_HEADING, _ITEM, _BEGIN, _KEYWORD, _LITERAL, _DRAWER, _COMMENT)
        return line.lstrip().startswith("|") or any(start.match(line) for start in starts)

    def _words(self, text: str) -> str:
        """Return a text without markup, and keep the notes whose marks it has."""
        return _plain(_INLINE_NOTE.sub(self._mark, text))

    def _mark(self, match: re.Match[str]) -> str:
        name, text = match[1], match[2] or self._definitions.pop(match[1], "")
        if text:
            self._notes.append(f"[{name}] {_plain(text)}" if name else _plain(text))
        return f"[{name}]" if name else ""


def _while(lines: list[str], at: int, pattern: re.Pattern[str]) -> int:
    while at < len(lines) and pattern.match(lines[at]):
        at += 1
    return at


def _plain(text: str) -> str:
    text = _DATE.sub(r"\1", _UNSEEN.sub("", _LINK.sub(_link_words, text)))
    return _EMPHASIS.sub(r"\2", _EMPHASIS.sub(r"\2", text))


def _link_words(match: re.Match[str]) -> str:
    """Return what a link shows: its words, or its target, but not the file of a picture."""
    return match[2] or ("" if _PICTURE.search(match[1]) else match[1].removeprefix("file:"))
