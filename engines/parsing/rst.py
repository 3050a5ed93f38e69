"""reStructuredText, line by line. Directives that name other files are left out: nothing else is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from engines.parsing import Element, ParsedDocument, element_builders
from engines.parsing.job import Job
from engines.parsing.text import load

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1{2,}[ \t]*$")
_ITEM = re.compile(r"((?:[-*+•]|\(?(?:\d{1,3}|[A-Za-z]|#)[.)])[ \t]+)\S")
_FIELD = re.compile(r":([A-Za-z][^:\n]*):(?:[ \t]+(.*))?$")
_PLAIN_FIELD = re.compile(r"([A-Z][\w-]*):(?:[ \t]+(.*))?$")
_DIRECTIVE = re.compile(r"\.\.[ \t]+(?:\|[^|]+\|[ \t]+)?([\w:+.-]*[\w+.-])::(?:[ \t]+(.*))?$")
_FOOTNOTE = re.compile(r"\.\.[ \t]+\[([^\]]+)\][ \t]+(.*)")
_GRID = re.compile(r"\+(?:[-=]+\+)+[ \t]*$")
_SIMPLE = re.compile(r"={2,}(?:[ \t]+={2,})+[ \t]*$")
_CODE = frozenset(
    [
        "code",
        "code-block",
        "sourcecode",
        "parsed-literal",
        "highlight",
        "doctest",
        "testcode",
        "prompt",
        "console",
    ]
)
_UNREAD = frozenset(
    (
        *("include", "literalinclude", "raw", "csv-table", "replace", "unicode", "automodule", "autoclass"),
        *("autofunction", "image", "figure", "contents", "toctree", "index", "sectnum", "section-numbering"),
        *("highlight", "role", "default-role", "meta", "class", "only", "target-notes"),
    )
)
_DEEPEST = 20

_ROLE = re.compile(r":(?:[\w+.-]+:)*(pep|rfc|[\w+.-]+):`([^`]+)`", re.I)
_TARGET = re.compile(r"^(.*?)\s*<[^<>]*>$", re.S)
_LITERAL = re.compile(r"``(.+?)``", re.S)
_REFERENCE = re.compile(r"`([^`]+?)`(?:__?)?", re.S)
_STRONG = re.compile(r"(?<![\w*])(\*{1,2})(?=\S)([^*]+?)(?<=\S)\1(?![\w*])", re.S)
_WORD_REFERENCE = re.compile(r"(?<=[A-Za-z0-9\]])__?(?=[\s.,;:!?)\]'\"]|$)")
_SUBSTITUTION = re.compile(r"\|(\S(?:[^|\n]*\S)?)\|")
_MARKED = re.compile(r"[`*_|\\]")


def read(job: Job) -> ParsedDocument:
    reader = _Reader()
    lines = [line.rstrip() for line in load(job).lstrip("\ufeff").expandtabs(8).split("\n")]
    found = tuple(reader.blocks(lines, 0))
    titles = (element.text for element in found if element.level)
    return ParsedDocument(
        mime_type=job.mime_type, elements=found, metadata={"title": next(titles, None)} | reader.fields
    )


class _Reader:
    """The order in which adornments appear is the order of the levels they mean."""

    def __init__(self) -> None:
        self.adornments: list[str] = []
        self.fields: dict[str, Any] = {}

    def blocks(self, lines: list[str], depth: int) -> Iterator[Element]:
        at = 0
        while at < len(lines):
            if not lines[at]:
                at += 1
                continue
            at, found = self._block(lines, at, depth)
            yield from found

    def _block(self, lines: list[str], at: int, depth: int) -> tuple[int, list[Element]]:
        line = lines[at]
        if line[0] == " ":
            return self._nested(lines, at, depth)
        if line.startswith("..") and line[2:3] in ("", " "):
            return self._explicit(lines, at, depth)
        return self._heading(lines, at) or self._unmarked(lines, at)

    def _unmarked(self, lines: list[str], at: int) -> tuple[int, list[Element]]:
        line = lines[at]
        if _GRID.match(line) or _SIMPLE.match(line):
            return _table(lines, at)
        if _ADORNMENT.match(line):
            return at + 1, []
        if line.startswith(">>> "):
            end = _until_blank(lines, at)
            return end, [element_builders.code("\n".join(lines[at:end]))]
        return self._running_text(lines, at)

    def _running_text(self, lines: list[str], at: int) -> tuple[int, list[Element]]:
        mark = _ITEM.match(lines[at])
        if mark:
            return self._item(lines, at, len(mark[1]))
        return self._field(lines, at) or self._paragraph(lines, at)

    def _nested(self, lines: list[str], at: int, depth: int) -> tuple[int, list[Element]]:
        end, block = _indented(lines, at)
        if depth >= _DEEPEST:
            return end, [element_builders.paragraph("\n".join(block))]
        return end, list(self.blocks(block, depth + 1))

    def _heading(self, lines: list[str], at: int) -> tuple[int, list[Element]] | None:
        """An underlined line, or one between two equal rules."""
        after = lines[at + 1] if at + 1 < len(lines) else ""
        rule = _ADORNMENT.match(lines[at])
        if (
            rule
            and after
            and at + 2 < len(lines)
            and lines[at + 2] == lines[at]
            and not _SIMPLE.match(lines[at])
        ):
            return at + 3, [element_builders.title(inline(after.strip()), self._level(rule[1] * 2))]
        under = _ADORNMENT.match(after) if not rule else None
        if under and len(after) * 4 >= len(lines[at]) * 3:
            return at + 2, [element_builders.title(inline(lines[at]), self._level(under[1]))]
        return None

    def _level(self, adornment: str) -> int:
        if adornment not in self.adornments:
            self.adornments.append(adornment)
        return self.adornments.index(adornment) + 1

    def _explicit(self, lines: list[str], at: int, depth: int) -> tuple[int, list[Element]]:
        """Directives, footnotes, comments, and targets of links."""
        end, block = _indented(lines, at + 1)
        directive, footnote = _DIRECTIVE.match(lines[at]), _FOOTNOTE.match(lines[at])
        if directive:
            return end, self._directive(directive[1].lower(), directive[2] or "", block, depth)
        if footnote:
            text = " ".join([footnote[2], *block])
            return end, [element_builders.paragraph(inline(f"[{footnote[1]}] {text}"))]
        return end, []

    def _directive(self, name: str, argument: str, block: list[str], depth: int) -> list[Element]:
        if name in _CODE:
            return [element_builders.code("\n".join(_without_options(block)))]
        if name in _UNREAD or depth >= _DEEPEST:
            return []
        own = [element_builders.paragraph(inline(argument))] if argument else []
        return [*own, *self.blocks(_without_options(block), depth + 1)]

    def _item(self, lines: list[str], at: int, width: int) -> tuple[int, list[Element]]:
        """Its text up to a blank line or a nested block; what follows further in is nested."""
        end, texts = at + 1, [lines[at][width:]]
        while end < len(lines) and lines[end].startswith(" ") and not _ITEM.match(lines[end].lstrip()):
            texts.append(lines[end].strip())
            end += 1
        text = "\n".join(texts)
        found = [element_builders.item(inline(text.removesuffix("::")))]
        if text.endswith("::"):
            end, found = self._literal(lines, end, found)
        return end, found

    def _field(self, lines: list[str], at: int) -> tuple[int, list[Element]] | None:
        """Fields before the first title say something of the document; later ones belong to its text."""
        is_header = not self.adornments
        field = _FIELD.match(lines[at]) or (
            _PLAIN_FIELD.match(lines[at]) if is_header and _is_header(lines, at) else None
        )
        if not field:
            return None
        end, block = _indented(lines, at + 1)
        value = inline(" ".join([field[2] or "", *filter(None, block)]).strip())
        if is_header:
            self.fields[field[1].lower()] = value
        return end, [element_builders.paragraph(f"{field[1]}: {value}")] if value else []

    def _paragraph(self, lines: list[str], at: int) -> tuple[int, list[Element]]:
        end = at + 1
        while end < len(lines) and lines[end] and not lines[end].startswith(" "):
            end += 1
        text = "\n".join(lines[at:end])
        if end < len(lines) and lines[end]:
            return self._definition(lines, at, end)
        shown = text.removesuffix("::") + (":" if text.endswith("::") and text[-3:-2].strip() else "")
        found = [element_builders.paragraph(inline(shown))] if shown.strip() else []
        return self._literal(lines, end, found) if text.endswith("::") else (end, found)

    def _definition(self, lines: list[str], at: int, end: int) -> tuple[int, list[Element]]:
        """A term, and its meaning further in, stay together."""
        after, block = _indented(lines, end)
        head, *rest = self.blocks(block, 1) or [element_builders.paragraph("")]
        text = inline("\n".join(lines[at:end]))
        if head.level or not head.text:
            return after, [element_builders.paragraph(text), head, *rest]
        return after, [element_builders.paragraph(f"{text}\n{head.text}"), *rest]

    def _literal(self, lines: list[str], at: int, before: list[Element]) -> tuple[int, list[Element]]:
        end, block = _indented(lines, at)
        return end, [*before, element_builders.code("\n".join(block))] if any(block) else before


def _indented(lines: list[str], at: int) -> tuple[int, list[str]]:
    """The lines further in, moved to the margin; blank ones before and between are passed over."""
    end = at
    while end < len(lines) and (not lines[end] or lines[end].startswith(" ")):
        end += 1
    block = lines[at:end]
    margin = min((len(line) - len(line.lstrip()) for line in block if line), default=0)
    return end, [line[margin:] for line in block]


def _until_blank(lines: list[str], at: int) -> int:
    while at < len(lines) and lines[at]:
        at += 1
    return at


def _without_options(block: list[str]) -> list[str]:
    at = 0
    while at < len(block) and _FIELD.match(block[at]):
        at += 1
    return block[at:]


def _is_header(lines: list[str], at: int) -> bool:
    """Mail-like headers, as some projects begin their documents: at the very top, in one block."""
    return all(_PLAIN_FIELD.match(line) or line.startswith(" ") for line in lines[:at])


def _table(lines: list[str], at: int) -> tuple[int, list[Element]]:
    if lines[at].startswith("+"):
        end = _until_blank(lines, at)
        return end, [element_builders.table(_grid(lines[at:end]))]
    end, rules = at + 1, 1
    while end < len(lines) and (lines[end] or rules < 3) and not (rules >= 3 and not lines[end]):
        rules += bool(_SIMPLE.match(lines[end]))
        end += 1
    return end, [element_builders.table(_simple(lines[at:end]))]


def _grid(lines: list[str]) -> Iterator[list[str]]:
    """Rows lie between rules; a cell may have several lines."""
    row: list[list[str]] = []
    for line in lines:
        if line.startswith("+"):
            yield [inline(" ".join(filter(None, cell))) for cell in zip(*row, strict=False)]
            row = []
        else:
            row.append([cell.strip() for cell in line.strip("|").split("|")])


def _simple(lines: list[str]) -> Iterator[list[str]]:
    """Columns stand under the runs of '='; a row whose first cell is empty continues the one above."""
    starts = [run.start() for run in re.finditer(r"=+", lines[0])]
    row: list[str] = []
    for line in lines[1:]:
        if not line or _ADORNMENT.match(line.replace(" ", "")):
            continue
        cells = [line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
        if row and not cells[0]:
            row = [f"{old} {new}" for old, new in zip(row, cells, strict=True)]
            continue
        if row:
            yield [inline(cell) for cell in row]
        row = cells
    if row:
        yield [inline(cell) for cell in row]


def inline(text: str) -> str:
    """As a reader sees it: roles and links by their words, no marks of emphasis."""
    if not _MARKED.search(text):
        return text
    parts, last = [], 0
    for literal in _LITERAL.finditer(text):
        parts += [_prose(text[last : literal.start()]), literal[1]]
        last = literal.end()
    return "".join([*parts, _prose(text[last:])])


def _prose(text: str) -> str:
    if "`" in text:
        text = _REFERENCE.sub(lambda found: _words(found[1]), _ROLE.sub(_role, text))
    if "*" in text:
        text = _STRONG.sub(r"\2", text)
    if "_" in text:
        text = _WORD_REFERENCE.sub("", text)
    if "|" in text:
        text = _SUBSTITUTION.sub(r"\1", text)
    return text.replace("\\ ", "").replace("\\", "") if "\\" in text else text


def _role(found: re.Match[str]) -> str:
    name, words = found[1].upper(), _words(found[2])
    return f"{name} {words}" if name in ("PEP", "RFC") and words == found[2] else words


def _words(text: str) -> str:
    """`words <target>` says the words; `!name` and `~name` say the name."""
    target = _TARGET.match(text)
    return (target[1] if target and target[1] else text).lstrip("!~")
