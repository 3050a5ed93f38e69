"""LaTeX, read without its programs: words, titles, lists, tables, notes; formulas as they are typed. Files that a document
names are not read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from engines.parsing import Element, ElementKind, ParsedDocument, element_builders
from engines.parsing.job import Job
from engines.parsing.markup.latex_inline import argument_end, braced, plain
from engines.parsing.markup.latex_tables import table
from engines.parsing.texts.text import load_counted

_REMARK = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*(?:\n[ \t]*(?!\n))?")
_VERBATIM = re.compile(
    r"\\begin\{(verbatim|Verbatim|lstlisting|minted|comment)\*?\}(?:\[[^\]]{0,500}\]|\{[^}]{0,500}\})*((?:(?!\\begin\{\1).)*?)\\end\{\1\*?\}",
    re.S,
)
_UNSEEN = re.compile(r"\\iffalse\b(?:(?!\\iffalse).)*?\\(?:else|fi)\b", re.S)
# The places where a paragraph ends.
_BLOCK = re.compile(
    r"\\begin\{(?P<formula>equation|align|alignat|displaymath|eqnarray|gather|multline|flalign|math)(?P<star>\*?)\}"
    r"(?P<typed>(?:(?!\\begin\{(?P=formula)).)*?)\\end\{(?P=formula)(?P=star)\}|\\\[(?P<display>(?:(?!\\\[).)*?)\\\]|\$\$(?P<dollars>[^$]*)\$\$"
    r"|\\begin\{(?P<table>tabular[xy*]?|longtable|tabulary)\}(?P<cells>(?:(?!\\begin\{(?P=table)).)*?)\\end\{(?P=table)\}"
    r"|\\(?P<title>part|chapter|(?:sub){0,2}section|(?:sub)?paragraph)\*?\s*(?:\[[^\]]{0,500}\])?(?=\{)"
    r"|\\(?P<caption>caption)\*?\s*(?:\[[^\]]{0,500}\])?(?=\{)"
    r"|\\(?P<item>item)\b[ \t]*(?:\[(?P<label>[^\]\n]{0,200})\])?"
    r"|\\(?P<edge>begin|end)\{(?P<name>[\w*]+)\}(?:\[[^\]]{0,500}\])?"
    r"|\x00(?P<code>\d+)\x00|\n[ \t]*\n|\\par\b",
    re.S,
)
_LEVELS = ("part", "chapter", "section", "subsection", "subsubsection", "paragraph", "subparagraph")
_METADATA = {"title": "title", "author": "author", "date": "created"}
_LISTS = {"itemize": None, "description": None, "enumerate": 0}
_ARGUMENT_OF_NAME = ("minipage", "multicols", "tcolorbox", "thebibliography", "wrapfigure", "subfigure")


def read(job: Job) -> ParsedDocument:
    content = load_counted(job)
    reader = _Reader(content.text.lstrip("\ufeff").replace("\x00", ""))
    found = tuple(reader.elements())
    return ParsedDocument(
        mime_type=job.mime_type, elements=found, metadata=reader.metadata, warnings=content.warnings
    )


class _Reader:
    """Reads blocks. `_lists` are the lists around: the number of their last item, or None if they have no numbers."""

    def __init__(self, source: str) -> None:
        self._code: list[str] = []
        self._notes: list[str] = []
        self._lists: list[int | None] = []
        self._number: str | None = None  # of the item that begins
        source = _UNSEEN.sub("", _REMARK.sub(r"\1", _VERBATIM.sub(self._keep_code, source)))
        _, begin, body = source.partition("\\begin{document}")
        self._body = body.partition("\\end{document}")[0] if begin else source
        self.metadata: dict[str, Any] = {}
        for command, name in _METADATA.items():
            if found := re.search(rf"\\{command}\s*(?:\[[^\]]{{0,500}}\])?(?=\{{)", source):
                self.metadata[name] = plain(braced(source, found.end()))[0]

    def _keep_code(self, match: re.Match[str]) -> str:
        if match[1] == "comment":
            return ""
        self._code.append(match[2].strip("\n"))
        return f"\n\n\x00{len(self._code) - 1}\x00\n\n"

    def elements(self) -> Iterator[Element]:
        if self.metadata.get("title"):
            yield element_builders.title(self.metadata["title"])
            if "\\maketitle" in self._body and self.metadata.get("author"):
                yield element_builders.paragraph(self.metadata["author"])
        at = 0
        while block := _BLOCK.search(self._body, at):
            yield from self._text(self._body[at : block.start()])
            at = block.end()
            if block["title"] or block["caption"]:
                words = self._words(braced(self._body, at))
                at = argument_end(self._body, at)
                level = _LEVELS.index(block["title"]) + 1 if block["title"] else 0
                yield Element(ElementKind.TITLE if level else ElementKind.CAPTION, words, level=level)
            elif block["edge"]:
                at = self._edge(block, at)
            else:
                yield from self._block(block)
            yield from self._take_notes()
        yield from self._text(self._body[at:])

    def _block(self, block: re.Match[str]) -> Iterator[Element]:
        formula = block["typed"] or block["display"] or block["dollars"]
        if formula:
            yield Element(ElementKind.FORMULA, re.sub(r"\\label\{[^}]*\}", "", formula).strip())
        elif block["table"]:
            yield table(block["cells"], self._words)
        elif block["code"]:
            yield element_builders.code(self._code[int(block["code"])])
        elif block["item"]:
            self._number = self._next_number(block["label"])

    def _edge(self, block: re.Match[str], at: int) -> int:
        """Enter or leave an environment. Return the index behind its arguments."""
        name = block["name"].rstrip("*")
        if name in _LISTS and block["edge"] == "begin":
            self._lists.append(_LISTS[name])
        elif name in _LISTS and self._lists:
            self._lists.pop()
        while block["edge"] == "begin" and name in _ARGUMENT_OF_NAME and self._body[at : at + 1] == "{":
            at = argument_end(self._body, at)
        return at

    def _next_number(self, label: str | None) -> str:
        if label is not None:
            return f"{self._words(label)} "
        if not self._lists or self._lists[-1] is None:
            return ""
        self._lists[-1] += 1
        return f"{self._lists[-1]}. "

    def _text(self, source: str) -> Iterator[Element]:
        words = self._words(source) if source.strip() else ""
        if words and (self._number is not None or self._lists):
            yield element_builders.item((self._number or "") + words)
            self._number = None
        elif words:
            yield element_builders.paragraph(words)
        yield from self._take_notes()

    def _words(self, source: str) -> str:
        words, notes = plain(source)
        self._notes += notes
        return words

    def _take_notes(self) -> Iterator[Element]:
        yield from (Element(ElementKind.NOTE, note) for note in self._notes)
        self._notes.clear()
