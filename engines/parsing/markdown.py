"""Markdown, parsed line by line: fast enough for a manual of thousands of pages. Files that a page names are not read."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

from engines.parsing import Element, ParsedDocument, element_builders
from engines.parsing.job import Job
from engines.parsing.text import load

_FRONT_MATTER = re.compile(r"\ufeff?---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
_FIELD = re.compile(r"([\w.-]+):[ \t]*(.*)")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_HEADING_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_THEMATIC_BREAK = re.compile(r" {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?(.*)")
_QUOTE = re.compile(r" {0,3}> ?")
_ALERT = re.compile(r"\[!(\w+)\][ \t]*$")
_DELIMITER_ROW = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_CELL_BREAK = re.compile(r"(?<!\\)\|")
_LINK_DEFINITION = re.compile(r" {0,3}\[[^\]]+\]:[ \t]+\S+")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_SCRIPT = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.S | re.I)

_MARKUP_CHARACTERS = re.compile(r"[*_`\[\]<&\\~]")
_IMAGE = re.compile(
    r"!\[([^\]]*)\](?:\([^()\s]*(?:\([^()]*\)[^()\s]*)*(?:[ \t]+[\"'][^\"']*[\"'])?\)|\[[^\]]*\])"
)
_LINK = re.compile(r"\[([^\[\]]*)\](?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\[[^\]]*\])")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^\s>]+)>")
_LINE_BREAK = re.compile(r"<br\s*/?>", re.I)
_TAG = re.compile(r"</?[A-Za-z][\w:-]*(?:\s[^<>]*)?/?>")
_STAR_EMPHASIS = re.compile(r"(\*{1,3}|~~)(?=\S)(.+?)(?<=\S)\1")
_UNDERSCORE_EMPHASIS = re.compile(r"(?<!\w)(_{1,3})(?=\S)(.+?)(?<=\S)\1(?!\w)")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_CODE_SPAN = re.compile(r"(`+)(.+?)(?<!`)\1(?!`)")


def read(job: Job) -> ParsedDocument:
    metadata, body = split_front_matter(load(job))
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(elements(body)), metadata=metadata)


def split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """Return the fields at the top that are plain `name: value` or lists, and the rest of the text."""
    front_matter = _FRONT_MATTER.match(text)
    if not front_matter:
        return {}, text
    fields: dict[str, Any] = {}
    name = ""
    for line in front_matter[1].split("\n"):
        field = _FIELD.match(line)
        if field:
            name, fields[field[1]] = field[1], _field_value(field[2].strip())
        elif name and line.lstrip().startswith("- "):
            fields[name] = [*(fields[name] or []), _field_value(line.strip()[2:])]
    return fields, text[front_matter.end() :]


def _field_value(text: str) -> Any:
    if text[:1] == "[":
        try:
            return json.loads(text)
        except ValueError:
            return [part.strip(" '\"") for part in text.strip("[]").split(",")]
    return text.strip("'\"")


class _Block:
    """The lines of the paragraph or list item that is being collected."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.is_item = False
        self.in_list = False

    def __bool__(self) -> bool:
        return bool(self.lines)

    def start(self, line: str, *, is_item: bool, in_list: bool) -> None:
        self.lines, self.is_item, self.in_list = [line], is_item, in_list

    def flush(self) -> Iterator[Element]:
        text = strip_markup("\n".join(self.lines)) if self.lines else ""
        self.lines = []
        if text and not text.isspace():
            yield element_builders.item(text) if self.is_item else element_builders.paragraph(text)


def elements(text: str) -> Iterator[Element]:
    text = _SCRIPT.sub("", _COMMENT.sub("", text)) if "<" in text else text
    lines = text.expandtabs(4).split("\n")
    block = _Block()
    start = 0
    while start < len(lines):
        line, end = lines[start], start + 1
        next_line = lines[end] if end < len(lines) else ""
        if not line or line.isspace():
            yield from block.flush()
        elif fence := _FENCE.match(line):
            yield from block.flush()
            end, content = _read_fenced(lines, start, fence[1])
            yield element_builders.code(content)
        elif "|" in line and "-" in next_line and _DELIMITER_ROW.match(next_line):
            yield from block.flush()
            end += 1
            while end < len(lines) and "|" in lines[end]:
                end += 1
            rows = (
                row.strip().removeprefix("|").removesuffix("|") for row in (line, *lines[start + 2 : end])
            )
            cells = ([strip_markup(cell.strip()) for cell in _CELL_BREAK.split(row)] for row in rows)
            yield element_builders.table(cells)
        elif not block and line.startswith("    ") and not block.in_list:
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            yield element_builders.code("\n".join(line[4:] for line in lines[start:end]))
        else:
            yield from _read_line(line, block)
        start = end
    yield from block.flush()


def _read_fenced(lines: list[str], start: int, fence: str) -> tuple[int, str]:
    indent = len(lines[start]) - len(lines[start].lstrip())
    end = start + 1
    while end < len(lines) and not (
        lines[end].strip().startswith(fence) and not lines[end].strip(f" {fence[0]}")
    ):
        end += 1
    content = (line if line[:indent].strip() else line[indent:] for line in lines[start + 1 : end])
    return end + 1, "\n".join(content)


def _read_line(line: str, block: _Block) -> Iterator[Element]:
    """Read a line that is not blank and not part of a fence, a table or indented code."""
    if line.lstrip()[:1] == ">":
        while quote := _QUOTE.match(line):
            line = line[quote.end() :]
        line = _ALERT.sub(lambda alert: f"{alert[1].capitalize()}:", line)
    first = line.lstrip()[:1]
    may_be_item = first in "-*+" or first.isdigit()
    if first == "#" and (heading := _HEADING.match(line)):
        yield from block.flush()
        block.in_list = False
        yield element_builders.title(strip_markup(heading[2] or ""), len(heading[1]))
    elif first in "=-" and block and not block.is_item and _HEADING_UNDERLINE.match(line):
        yield element_builders.title(strip_markup(" ".join(block.lines)), 1 if first == "=" else 2)
        block.lines = []
    elif first in "-*_" and _THEMATIC_BREAK.match(line):
        yield from block.flush()
    elif may_be_item and (item := _ITEM.match(line)):
        yield from block.flush()
        block.start(item[1], is_item=True, in_list=True)
    elif first == "[" and _LINK_DEFINITION.match(line):
        yield from block.flush()
    elif block:
        block.lines.append(line.strip())
    else:
        is_nested = block.in_list and line.startswith("  ") and not may_be_item
        block.start(line.strip(), is_item=False, in_list=is_nested)


def strip_markup(text: str) -> str:
    """Return inline text without emphasis; links become their words, images their descriptions."""
    if not _MARKUP_CHARACTERS.search(text):
        return text
    if "`" not in text:
        return _strip_prose(text)
    parts, last = [], 0
    for span in _CODE_SPAN.finditer(text):
        parts += [_strip_prose(text[last : span.start()]), span[2]]
        last = span.end()
    return "".join([*parts, _strip_prose(text[last:])])


def _strip_prose(text: str) -> str:
    if "[" in text:
        text = _LINK.sub(r"\1", _IMAGE.sub(r"\1", text))
    if "<" in text:
        text = _TAG.sub("", _LINE_BREAK.sub("\n", _AUTOLINK.sub(r"\1", text)))
    if "*" in text or "~" in text:
        text, count = _STAR_EMPHASIS.subn(r"\2", text)
        text = _STAR_EMPHASIS.sub(r"\2", text) if count else text
    if "_" in text:
        text = _UNDERSCORE_EMPHASIS.sub(r"\2", text)
    if "\\" in text:
        text = _ESCAPE.sub(r"\1", text)
    return html.unescape(text) if "&" in text else text
