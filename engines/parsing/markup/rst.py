"""reStructuredText, parsed line by line. Directives that name other files are skipped, and the files are not read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import dropwhile
from typing import Any

from engines.parsing import Element, ElementKind, ParsedDocument, element_builders
from engines.parsing.job import Job
from engines.parsing.markup.rst_notes import placed_notes
from engines.parsing.markup.rst_tables import csv_table, grid_table, list_table, simple_table
from engines.parsing.texts.text import load_counted

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1{2,}[ \t]*$")
_ITEM = re.compile(r"((?:[-*+•]|\(?(?:\d{1,3}|[A-Za-z]|#)[.)])[ \t]+)\S")
_FIELD = re.compile(r":([A-Za-z][^:\n]*):(?:[ \t]+(.*))?$")
_HEADER = re.compile(r"([A-Z][\w-]*):(?:[ \t]+(.*))?$")
_DIRECTIVE = re.compile(r"\.\.[ \t]+(?:\|[^|]+\|[ \t]+)?([\w:+.-]*[\w+.-])::(?:[ \t]+(.*))?$")
_FOOTNOTE = re.compile(r"\.\.[ \t]+\[([^\]]+)\][ \t]+(.*)")
_GRID_RULE = re.compile(r"\+(?:[-=]+\+)+[ \t]*$")
_SIMPLE_RULE = re.compile(r"={2,}(?:[ \t]+={2,})+[ \t]*$")
_SUBSTITUTED = re.compile(r"^\.\.[ \t]+\|([^|\n]+)\|[ \t]+replace::[ \t]+(.+)$", re.M)
_PICTURE_TEXT = re.compile(r":alt:[ \t]+(.+)")
_TABLE_DIRECTIVES = {"csv-table": csv_table, "list-table": list_table}
_CODE_DIRECTIVES = frozenset(
    (
        *("code", "code-block", "sourcecode", "parsed-literal", "highlight", "doctest", "testcode"),
        *("prompt", "console"),
    )
)
_SKIPPED_DIRECTIVES = frozenset(
    (
        *("include", "literalinclude", "raw", "replace", "unicode", "automodule", "autoclass"),
        *("autofunction", "contents", "toctree", "index", "sectnum", "section-numbering"),
        *("highlight", "role", "default-role", "meta", "class", "target-notes"),
    )
)
_MAX_DEPTH = 20

_ROLE = re.compile(r":(?:[\w+.-]+:)*(pep|rfc|[\w+.-]+):`([^`]+)`", re.I)
_TARGET = re.compile(r"^(.*?)\s*<[^<>]*>$", re.S)
_LITERAL = re.compile(r"``(.+?)``", re.S)
_REFERENCE = re.compile(r"`([^`]+?)`(?:__?)?", re.S)
_EMPHASIS = re.compile(r"(?<![\w*])(\*{1,2})(?=\S)([^*]+?)(?<=\S)\1(?![\w*])", re.S)
_WORD_REFERENCE = re.compile(r"(?<=[A-Za-z0-9\]])__?(?=[\s.,;:!?)\]'\"]|$)")
_SUBSTITUTION = re.compile(r"\|(\S(?:[^|\n]*\S)?)\|")
_MARKUP_CHARACTERS = re.compile(r"[`*_|\\]")

# The index of the line after what was read, and its elements.
_Result = tuple[int, list[Element]]


def read(job: Job) -> ParsedDocument:
    reader = _Reader()
    content = load_counted(job)
    source = content.text.lstrip("\ufeff")
    for name, words in _SUBSTITUTED.findall(source):
        source = source.replace(f"|{name}|", words)
    lines = [line.rstrip() for line in source.expandtabs(8).split("\n")]
    elements = tuple(placed_notes(reader.blocks(lines, 0)))
    title = next((element.text for element in elements if element.level), None)
    metadata = {"title": title} | reader.fields
    return ParsedDocument(
        mime_type=job.mime_type, elements=elements, metadata=metadata, warnings=content.warnings
    )


class _Reader:
    """Reads blocks, and keeps the adornments of titles and the fields that it has read."""

    def __init__(self) -> None:
        self.adornments: list[str] = []  # in the order of their levels
        self.fields: dict[str, Any] = {}
        self._counted = 0  # of the items that are numbered by "#", one after another

    def blocks(self, lines: list[str], depth: int) -> Iterator[Element]:
        start = 0
        while start < len(lines):
            line, end, elements = lines[start], start + 1, list[Element]()
            if line.startswith(" "):
                end, block = _read_indented(lines, start)
                if depth < _MAX_DEPTH:
                    elements += self.blocks(block, depth + 1)
                else:
                    elements.append(element_builders.paragraph("\n".join(block)))
            elif line.startswith("..") and line[2:3] in ("", " "):
                end, elements = self._read_explicit(lines, start, depth)
            elif line and (title := self._read_title(lines, start)):
                end, elements = title
            elif _GRID_RULE.match(line):
                end = _next_blank(lines, start)
                elements = [grid_table(lines[start:end], strip_markup)]
            elif _SIMPLE_RULE.match(line):
                end, element = simple_table(lines, start, strip_markup)
                elements = [element]
            elif line.startswith(">>> "):
                end = _next_blank(lines, start)
                elements = [element_builders.code("\n".join(lines[start:end]))]
            elif line and not _ADORNMENT.match(line):
                end, elements = (
                    self._read_item(lines, start)
                    or self._read_field(lines, start)
                    or self._read_paragraph(lines, start)
                )
            yield from elements
            start = end

    def _read_explicit(self, lines: list[str], start: int, depth: int) -> _Result:
        """Read a directive or a footnote. Comments and link targets have no elements."""
        end, block = _read_indented(lines, start + 1)
        directive, footnote = _DIRECTIVE.match(lines[start]), _FOOTNOTE.match(lines[start])
        elements: list[Element] = []
        if directive:
            elements += self._read_directive(directive[1].lower(), directive[2] or "", block, depth)
        elif footnote:
            text = " ".join([footnote[2], *block])
            elements.append(Element(ElementKind.NOTE, strip_markup(f"[{footnote[1]}] {text}")))
        return end, elements

    def _read_directive(self, name: str, argument: str, block: list[str], depth: int) -> Iterator[Element]:
        content = list(dropwhile(_FIELD.match, block))  # without the options
        if name in _CODE_DIRECTIVES:
            yield element_builders.code("\n".join(content))
        elif name == "math":
            yield Element(ElementKind.FORMULA, "\n".join([argument, *content]).strip())
        elif name in ("image", "figure"):
            words = _PICTURE_TEXT.search("\n".join(block[: len(block) - len(content)]))
            yield from [element_builders.paragraph(words[1])] if words else []
            inside = list(self.blocks(content, depth + 1)) if depth < _MAX_DEPTH else []
            yield from [element._replace(kind=ElementKind.CAPTION) for element in inside[:1]]
            yield from inside[1:]
        elif name not in _SKIPPED_DIRECTIVES and depth < _MAX_DEPTH:
            is_table = name in (*_TABLE_DIRECTIVES, "table")
            title = Element(ElementKind.CAPTION if is_table else ElementKind.TEXT, strip_markup(argument))
            yield from [title] if argument else []
            if name in _TABLE_DIRECTIVES:
                yield _TABLE_DIRECTIVES[name](block, strip_markup)
            else:
                yield from self.blocks(content, depth + 1)

    def _read_title(self, lines: list[str], start: int) -> _Result | None:
        """Read an underlined line, or one between two equal rules."""
        line, after, below = (*lines[start : start + 3], "", "")[:3]
        rule = _ADORNMENT.match(line)
        if rule and after and below == line and not _SIMPLE_RULE.match(line):
            return start + 3, [element_builders.title(strip_markup(after.strip()), self._level(rule[1] * 2))]
        underline = _ADORNMENT.match(after) if not rule else None
        if underline and len(after) * 4 >= len(line) * 3:
            return start + 2, [element_builders.title(strip_markup(line), self._level(underline[1]))]
        return None

    def _level(self, adornment: str) -> int:
        if adornment not in self.adornments:
            self.adornments.append(adornment)
        return self.adornments.index(adornment) + 1

    def _read_item(self, lines: list[str], start: int) -> _Result | None:
        """Read a list item up to a blank line or a nested list."""
        marker = _ITEM.match(lines[start])
        if not marker:
            return None
        end, texts = start + 1, [lines[start][len(marker[1]) :]]
        while end < len(lines) and lines[end].startswith(" ") and not _ITEM.match(lines[end].lstrip()):
            texts.append(lines[end].strip())
            end += 1
        text = "\n".join(texts)
        number = self._number(marker[1].strip())
        elements = [element_builders.item(number + strip_markup(text.removesuffix("::")))]
        return _read_literal(lines, end, elements) if text.endswith("::") else (end, elements)

    def _number(self, marker: str) -> str:
        """Return the number of an item with a space, or "" if it has none."""
        self._counted = self._counted + 1 if "#" in marker else 0
        marker = marker.replace("#", str(self._counted))
        return f"{marker} " if marker[-1:] in ".)" else ""

    def _read_field(self, lines: list[str], start: int) -> _Result | None:
        """Fields before the first title are also metadata. Some projects write them like mail headers at the top."""
        is_metadata, field = not self.adornments, _FIELD.match(lines[start])
        if not field and is_metadata:
            is_header = all(_HEADER.match(line) or line.startswith(" ") for line in lines[:start])
            field = _HEADER.match(lines[start]) if is_header else None
        if not field:
            return None
        end, block = _read_indented(lines, start + 1)
        value = strip_markup(" ".join([field[2] or "", *filter(None, block)]).strip())
        if is_metadata:
            self.fields[field[1].lower()] = value
        return end, [element_builders.paragraph(f"{field[1]}: {value}")] if value else []

    def _read_paragraph(self, lines: list[str], start: int) -> _Result:
        """Read a paragraph and its literal block, or a term and its definition."""
        self._counted = 0
        end = start + 1
        while end < len(lines) and lines[end] and not lines[end].startswith(" "):
            end += 1
        text = "\n".join(lines[start:end])
        if end < len(lines) and lines[end]:
            end, block = _read_indented(lines, end)
            term = strip_markup(text)
            first, *others = self.blocks(block, 1) or [element_builders.paragraph("")]
            if first.level or not first.text:
                return end, [element_builders.paragraph(term), first, *others]
            return end, [element_builders.paragraph(f"{term}\n{first.text}"), *others]
        visible = text.removesuffix("::") + (":" if text.endswith("::") and text[-3:-2].strip() else "")
        elements = [element_builders.paragraph(strip_markup(visible))] if visible.strip() else []
        return _read_literal(lines, end, elements) if text.endswith("::") else (end, elements)


def _read_literal(lines: list[str], start: int, before: list[Element]) -> _Result:
    """Read the literal block that follows the elements `before`, if there is one."""
    end, block = _read_indented(lines, start)
    return end, [*before, element_builders.code("\n".join(block))] if any(block) else before


def _read_indented(lines: list[str], start: int) -> tuple[int, list[str]]:
    """Return the indented and blank lines without their common indentation."""
    end = start
    while end < len(lines) and (not lines[end] or lines[end].startswith(" ")):
        end += 1
    block = lines[start:end]
    margin = min((len(line) - len(line.lstrip()) for line in block if line), default=0)
    return end, [line[margin:] for line in block]


def _next_blank(lines: list[str], start: int) -> int:
    while start < len(lines) and lines[start]:
        start += 1
    return start


def strip_markup(text: str) -> str:
    """Return inline text without emphasis; roles and links become their words."""
    if not _MARKUP_CHARACTERS.search(text):
        return text
    parts, last = [], 0
    for literal in _LITERAL.finditer(text):
        parts += [_strip_prose(text[last : literal.start()]), literal[1]]
        last = literal.end()
    return "".join([*parts, _strip_prose(text[last:])])


def _strip_prose(text: str) -> str:
    if "`" in text:
        text = _REFERENCE.sub(lambda match: _link_words(match[1]), _ROLE.sub(_role_words, text))
    if "*" in text:
        text = _EMPHASIS.sub(r"\2", text)
    if "_" in text:
        text = _WORD_REFERENCE.sub("", text)
    if "|" in text:
        text = _SUBSTITUTION.sub(r"\1", text)
    return text.replace("\\ ", "").replace("\\", "") if "\\" in text else text


def _role_words(match: re.Match[str]) -> str:
    name, words = match[1].upper(), _link_words(match[2])
    return f"{name} {words}" if name in ("PEP", "RFC") and words == match[2] else words


def _link_words(text: str) -> str:
    """Return the words of `words <target>`, and the name of `!name` and `~name`."""
    target = _TARGET.match(text)
    return (target[1] if target and target[1] else text).lstrip("!~")
