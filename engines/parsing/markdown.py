"""Markdown, line by line: fast enough for a manual of thousands of pages. Nothing a page names is read."""

from __future__ import annotations

import html as entities
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
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_RULE = re.compile(r" {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?(.*)")
_QUOTE = re.compile(r" {0,3}> ?")
_ALERT = re.compile(r"\[!(\w+)\][ \t]*$")
_DELIMITER_ROW = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_CELL_BREAK = re.compile(r"(?<!\\)\|")
_DEFINITION = re.compile(r" {0,3}\[[^\]]+\]:[ \t]+\S+")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_HIDDEN = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.S | re.I)

_MARKED = re.compile(r"[*_`\[\]<&\\~]")
_IMAGE = re.compile(
    r"!\[([^\]]*)\](?:\([^()\s]*(?:\([^()]*\)[^()\s]*)*(?:[ \t]+[\"'][^\"']*[\"'])?\)|\[[^\]]*\])"
)
_LINK = re.compile(r"\[([^\[\]]*)\](?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\[[^\]]*\])")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^\s>]+)>")
_LINE_BREAK = re.compile(r"<br\s*/?>", re.I)
_TAG = re.compile(r"</?[A-Za-z][\w:-]*(?:\s[^<>]*)?/?>")
_STRONG = re.compile(r"(\*{1,3}|~~)(?=\S)(.+?)(?<=\S)\1")
_UNDERSCORED = re.compile(r"(?<!\w)(_{1,3})(?=\S)(.+?)(?<=\S)\1(?!\w)")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_CODE_SPAN = re.compile(r"(`+)(.+?)(?<!`)\1(?!`)")


def read(job: Job) -> ParsedDocument:
    metadata, body = split_front_matter(load(job))
    found = tuple(elements(body))
    return ParsedDocument(mime_type=job.mime_type, elements=found, metadata=metadata)


def split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The fields at the top, as far as they are plain `name: value` or lists, and the rest."""
    found = _FRONT_MATTER.match(text)
    if not found:
        return {}, text
    fields: dict[str, Any] = {}
    name = ""
    for line in found[1].split("\n"):
        field = _FIELD.match(line)
        if field:
            name, fields[field[1]] = field[1], _value(field[2].strip())
        elif name and line.lstrip().startswith("- "):
            fields[name] = [*(fields[name] or []), _value(line.strip()[2:])]
    return fields, text[found.end() :]


def _value(text: str) -> Any:
    if text[:1] == "[":
        try:
            return json.loads(text)
        except ValueError:
            return [part.strip(" '\"") for part in text.strip("[]").split(",")]
    return text.strip("'\"")


def elements(text: str) -> Iterator[Element]:
    text = _HIDDEN.sub("", _COMMENT.sub("", text)) if "<" in text else text
    return _blocks(text.expandtabs(4).split("\n"))


def _blocks(lines: list[str]) -> Iterator[Element]:
    """One pass; `held` is the paragraph or list item being collected."""
    held = _Held()
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line or line.isspace():
            yield from held.release()
            at += 1
            continue
        fence = _FENCE.match(line)
        if fence:
            yield from held.release()
            at, block = _fenced(lines, at, fence[1])
            yield element_builders.code(block)
        elif _is_table(lines, at):
            yield from held.release()
            at, rows = _table(lines, at)
            yield element_builders.table(rows)
        elif not held and line.startswith("    ") and not held.in_list:
            at, block = _indented(lines, at)
            yield element_builders.code(block)
        else:
            yield from _line(_unquoted(line), held)
            at += 1
    yield from held.release()


class _Held:
    """Lines of one paragraph or list item."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.is_item = False
        self.in_list = False

    def __bool__(self) -> bool:
        return bool(self.lines)

    def start(self, line: str, *, is_item: bool) -> None:
        self.lines, self.is_item, self.in_list = [line], is_item, is_item

    def release(self) -> Iterator[Element]:
        text = inline("\n".join(self.lines)) if self.lines else ""
        self.lines = []
        if text and not text.isspace():
            yield element_builders.item(text) if self.is_item else element_builders.paragraph(text)


def _line(line: str, held: _Held) -> Iterator[Element]:
    """A line that is no fence, table or code."""
    first = line.lstrip()[:1]
    heading = _HEADING.match(line) if first == "#" else None
    if heading:
        yield from held.release()
        held.in_list = False
        yield element_builders.title(inline(heading[2] or ""), len(heading[1]))
    elif first in "=-" and held and not held.is_item and _UNDERLINE.match(line):
        yield element_builders.title(inline(" ".join(held.lines)), 1 if first == "=" else 2)
        held.lines = []
    elif first in "-*_" and _RULE.match(line):
        yield from held.release()
    elif first in "-*+" or first.isdigit():
        yield from _maybe_item(line, held)
    elif first == "[" and _DEFINITION.match(line):
        yield from held.release()
    elif held:
        held.lines.append(line.strip())
    else:
        is_nested = held.in_list and line.startswith("  ")
        held.start(line.strip(), is_item=False)
        held.in_list = is_nested


def _maybe_item(line: str, held: _Held) -> Iterator[Element]:
    item = _ITEM.match(line)
    if item:
        yield from held.release()
        held.start(item[1], is_item=True)
    elif held:
        held.lines.append(line.strip())
    else:
        held.start(line.strip(), is_item=False)


def _unquoted(line: str) -> str:
    """A block quote's line without its marks; an alert's `[!NOTE]` as a word."""
    if line.lstrip()[:1] != ">":
        return line
    while mark := _QUOTE.match(line):
        line = line[mark.end() :]
    return _ALERT.sub(lambda alert: f"{alert[1].capitalize()}:", line)


def _fenced(lines: list[str], at: int, fence: str) -> tuple[int, str]:
    indent = len(lines[at]) - len(lines[at].lstrip())
    end = at + 1
    while end < len(lines) and not (
        lines[end].strip().startswith(fence) and not lines[end].strip(f" {fence[0]}")
    ):
        end += 1
    return end + 1, "\n".join(
        line[indent:] if not line[:indent].strip() else line for line in lines[at + 1 : end]
    )


def _indented(lines: list[str], at: int) -> tuple[int, str]:
    end = at
    while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
        end += 1
    return end, "\n".join(line[4:] for line in lines[at:end])


def _is_table(lines: list[str], at: int) -> bool:
    return (
        "|" in lines[at]
        and at + 1 < len(lines)
        and "-" in lines[at + 1]
        and _DELIMITER_ROW.match(lines[at + 1]) is not None
    )


def _table(lines: list[str], at: int) -> tuple[int, list[list[str]]]:
    rows, end = [_cells(lines[at])], at + 2
    while end < len(lines) and "|" in lines[end]:
        rows.append(_cells(lines[end]))
        end += 1
    return end, rows


def _cells(line: str) -> list[str]:
    return [
        inline(cell.strip()) for cell in _CELL_BREAK.split(line.strip().removeprefix("|").removesuffix("|"))
    ]


def inline(text: str) -> str:
    """As a reader sees it: no marks of emphasis, links by their words, images by their description."""
    if not _MARKED.search(text):
        return text
    if "`" not in text:
        return _prose(text)
    parts, last = [], 0
    for span in _CODE_SPAN.finditer(text):
        parts += [_prose(text[last : span.start()]), span[2]]
        last = span.end()
    return "".join([*parts, _prose(text[last:])])


def _prose(text: str) -> str:
    if "[" in text:
        text = _LINK.sub(r"\1", _IMAGE.sub(r"\1", text))
    if "<" in text:
        text = _TAG.sub("", _LINE_BREAK.sub("\n", _AUTOLINK.sub(r"\1", text)))
    if "*" in text or "~" in text:
        text, found = _STRONG.subn(r"\2", text)
        text = _STRONG.sub(r"\2", text) if found else text
    if "_" in text:
        text = _UNDERSCORED.sub(r"\2", text)
    if "\\" in text:
        text = _ESCAPE.sub(r"\1", text)
    return entities.unescape(text) if "&" in text else text
