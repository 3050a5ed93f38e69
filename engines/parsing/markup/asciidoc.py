"""AsciiDoc, parsed line by line. Files that a document names are not read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from engines.parsing import Element, ElementKind, ParsedDocument, element_builders
from engines.parsing.job import Job
from engines.parsing.markup.asciidoc_inline import Inline
from engines.parsing.markup.asciidoc_tables import table
from engines.parsing.texts.text import load_counted

_TITLE = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*?)(?:[ \t]+=+)?$")
_ATTRIBUTE = re.compile(r":(!?[\w-]+!?):(?:[ \t]+(.*))?$")
_REVISION = re.compile(r"v?\d[\w.]*,|v\d[\w.]*$|\d{4}-\d\d-\d\d$")
_DELIMITER = re.compile(r"(?:-{4,}|\.{4,}|={4,}|\*{4,}|_{4,}|\+{4,}|/{4,}|`{3,}.*|--)[ \t]*$")
_BLOCK_ATTRIBUTES = re.compile(r"\[(?!\[)(.*)\][ \t]*$|\[\[.*\]\][ \t]*$")
_BLOCK_TITLE = re.compile(r"\.(?![ .])(.+)$")
_TABLE = re.compile(r"[|,:!]={3,}[ \t]*$")
_ITEM = re.compile(
    r"[ \t]*(?:(\*{1,5}|-)|(\.{1,5})|(\d+\.|[a-zA-Z]\.)|<(\d+|\.)>)[ \t]+(?:(\[[ xX*]\])[ \t]+)?(\S.*)$"
)
_TERM = re.compile(r"[ \t]*(\S.*?)(?::{2,4}|;;)(?:[ \t]+(.*))?$")
_MACRO = re.compile(r"(image|video|audio|include|toc|ifdef|ifndef|ifeval|endif)::?([^\[]*)\[([^\]]*)\]$")
_ADMONITION = re.compile(r"(NOTE|TIP|IMPORTANT|WARNING|CAUTION):[ \t]+")
# Remarks, what joins a block to an item, and rules.
_UNSEEN_LINE = re.compile(r"//(?!//)|\+$|'{3,}$|<{3,}$|-[ \t]?-[ \t]?-$|\*[ \t]?\*[ \t]?\*$")
_MATH = ("stem", "latexmath", "asciimath")


def read(job: Job) -> ParsedDocument:
    content = load_counted(job)
    reader = _Reader()
    lines = content.text.lstrip("\ufeff").split("\n")
    found = tuple(reader.elements([line.rstrip() for line in lines]))
    return ParsedDocument(
        mime_type=job.mime_type, elements=found, metadata=reader.metadata, warnings=content.warnings
    )


class _Reader:
    """Reads blocks. `_style` is what a line in brackets says of the next block; `_numbers` counts items by their marks."""

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = {}
        self._inline = Inline()
        self._style = ""
        self._numbers: dict[str, int] = {}

    def elements(self, lines: list[str]) -> Iterator[Element]:
        at = self._skip_header(lines)
        if "title" in self.metadata:
            yield element_builders.title(self.metadata["title"])
        while at < len(lines):
            end, found = self._block(lines, at)
            for element in found:
                yield element
                yield from (Element(ElementKind.NOTE, note) for note in self._inline.take_notes())
            at = end

    def _skip_header(self, lines: list[str]) -> int:
        """Read the title, its author and revision, and the attributes; return the index behind them."""
        at = next((at for at, line in enumerate(lines) if line and not line.startswith(("//", ":"))), 0)
        for line in lines[:at]:
            self._set_attribute(line)
        title = _TITLE.match(lines[at])
        if not title or len(title[1]) > 1:
            return 0
        self.metadata["title"] = self._inline.words(title[2])
        at += 1
        while at < len(lines) and lines[at]:
            if (
                not self._set_attribute(lines[at])
                and not lines[at].startswith("//")
                and not _REVISION.match(lines[at])
            ):
                self.metadata.setdefault("author", lines[at])
            at += 1
        return at

    def _set_attribute(self, line: str) -> bool:
        attribute = _ATTRIBUTE.match(line)
        if attribute:
            self._inline.attributes[attribute[1]] = attribute[2] or ""
        return bool(attribute)

    def _block(self, lines: list[str], at: int) -> tuple[int, list[Element]]:
        line = lines[at]
        if not line or _UNSEEN_LINE.match(line) or self._set_attribute(line):
            return at + 1, []
        if attributes := _BLOCK_ATTRIBUTES.match(line):
            self._style = attributes[1] or ""
            return at + 1, []
        end, found = self._titled(lines, at) or self._delimited(lines, at) or self._listed(lines, at)
        self._style = "" if found else self._style
        return end, found

    def _titled(self, lines: list[str], at: int) -> tuple[int, list[Element]] | None:
        if title := _TITLE.match(lines[at]):
            self._numbers.clear()
            return at + 1, [element_builders.title(self._inline.words(title[2]), len(title[1]))]
        if title := _BLOCK_TITLE.match(lines[at]):
            return at + 1, [Element(ElementKind.CAPTION, self._inline.words(title[1]))]
        if macro := _MACRO.match(lines[at]):
            alternative = macro[3].split(",")[0].strip(" \"'") if macro[1] == "image" else ""
            return at + 1, [
                element_builders.paragraph(alternative)
            ] if alternative and "=" not in alternative else []
        return None

    def _delimited(self, lines: list[str], at: int) -> tuple[int, list[Element]] | None:
        line = lines[at]
        if _TABLE.match(line):
            end = _closing(lines, at, line)
            return end + 1, list(table(lines[at + 1 : end], line[0], self._style, self._inline.words))
        if not _DELIMITER.match(line):
            return None
        if line == "--" or line[0] in "=*_":  # what is inside is read as if it stood alone
            return at + 1, [
                element_builders.paragraph(f"{self._style.capitalize()}:")
            ] if self._style.isupper() else []
        end = _closing(lines, at, "```" if line[0] == "`" else line)
        text = "\n".join(lines[at + 1 : end])
        if line[0] == "+":
            is_formula = self._style in _MATH
            return end + 1, [Element(ElementKind.FORMULA, text)] if is_formula else []
        return end + 1, [] if line[0] == "/" else [element_builders.code(text)]

    def _listed(self, lines: list[str], at: int) -> tuple[int, list[Element]]:
        """Read a list item, a term with its meaning, or a paragraph."""
        item = _ITEM.match(lines[at])
        if not item and lines[at].startswith((" ", "\t")):
            end = _end_of_paragraph(lines, at)
            return end, [element_builders.code("\n".join(lines[at:end]))]
        if item:
            end = _end_of_paragraph(lines, at, is_item=True)
            text = "\n".join([item[6], *lines[at + 1 : end]])
            return end, [element_builders.item(self._number(item) + self._inline.words(text))]
        if (term := _TERM.match(lines[at])) and "://" not in lines[at]:
            self._numbers.clear()
            return at + 1, [element_builders.item(self._inline.words(f"{term[1]}: {term[2] or ''}".strip()))]
        end = _end_of_paragraph(lines, at)
        if lines[at - 1] != "+":  # it does not belong to an item
            self._numbers.clear()
        text = "\n".join(line.removesuffix(" +") for line in lines[at:end])
        text = _ADMONITION.sub(lambda match: f"{match[1].capitalize()}: ", text)
        prefix = f"{self._style.capitalize()}: " if self._style.isupper() and self._style.isalpha() else ""
        return end, [element_builders.paragraph(prefix + self._inline.words(text))]

    def _number(self, item: re.Match[str]) -> str:
        """Return an item's number: as it stands, or counted among those with the same mark."""
        bullet, dots, number, callout, box = item.groups()[:5]
        if bullet:
            self._numbers = {mark: count for mark, count in self._numbers.items() if mark != "<.>"}
            return f"{box.replace('*', 'x')} " if box else ""
        mark = dots or ("<.>" if callout == "." else "")
        if mark:
            self._numbers = {
                other: count for other, count in self._numbers.items() if len(other) <= len(mark)
            }
            self._numbers[mark] = self._numbers.get(mark, 0) + 1
            return f"{self._numbers[mark]}. "
        return f"{number or f'{callout}.'} "


def _closing(lines: list[str], at: int, delimiter: str) -> int:
    return next((end for end in range(at + 1, len(lines)) if lines[end] == delimiter), len(lines))


def _end_of_paragraph(lines: list[str], at: int, *, is_item: bool = False) -> int:
    end = at + 1
    while end < len(lines) and lines[end] and lines[end] != "+" and not _DELIMITER.match(lines[end]):
        is_start = _BLOCK_ATTRIBUTES.match(lines[end]) or _ITEM.match(lines[end])
        if is_start or (is_item and _TERM.match(lines[end])):
            break
        end += 1
    return end
