"""Markdown: CommonMark with tables, notes, definitions and formulas, and what wikis and sites of documentation add."""

from __future__ import annotations

import html as html_entities
import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin

from engines.parsing import Element, ElementKind, ParsedDocument, element_builders
from engines.parsing.job import Job
from engines.parsing.markup import html
from engines.parsing.texts.text import load_counted

_FRONT_MATTER = re.compile(r"\ufeff?(---|\+\+\+)[ \t]*\n(.*?)\n(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
_FIELD = re.compile(r"([\w.-]+)[ \t]*[:=][ \t]*(.*)")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)|%%.*?%%", re.S)
_IMPORT = re.compile(
    r"(?:import\s+[\w{*][^\n]*\sfrom\s+[\"'][^\"'\n]+[\"'];?|export\s+(?:const|default)\s[^\n]*)\n"
)
_JSX_COMMENT = re.compile(r"\{/\*.*?\*/\}", re.S)
_LINE_END = re.compile(r"[ \t]*\n\s*")
# A line break, and a place that has a name: the commonest tags, which need no reader of HTML.
_PLAIN_TAG = re.compile(r"""<br\s*/?>|<a\s+(?:name|id)\s*=\s*(?:"[^"]*"|'[^']*')\s*/?>|</a>""", re.I)
_COMPONENT = re.compile(r"<[A-Z][\w.]*\s[^<>]*?\b(?:title|label|summary)=[\"']([^\"']+)[\"'][^<>]*>")
_WIKI_LINK = re.compile(r"!?\[\[(?:[^\[\]|]*\|)?([^\[\]|]+)\]\]")
_HIGHLIGHT = re.compile(r"==(\S(?:[^=\n]*\S)?)==")
_ALERT = re.compile(r"\A\[!(\w+)\][-+]?[ \t]*")
_CONTAINER = re.compile(r"^:{3,}[ \t]*\{?(\w*)\}?(?:\[([^\]]*)\])?[ \t]*", re.M)
_HEADING_ATTRIBUTES = re.compile(r"[ \t]*\{[#.:][^{}]*\}$")
_REST_OF_NAME = re.compile(r"\.?\w")
_OPEN_TABLE = re.compile(r"<table\b(?:(?!</table).)*\Z", re.S | re.I)


def read(job: Job) -> ParsedDocument:
    content = load_counted(job)
    metadata, body = split_front_matter(content.text)
    if job.filename.lower().endswith(".mdx"):
        body = _IMPORT.sub("", _JSX_COMMENT.sub("", body))
    return ParsedDocument(
        mime_type=job.mime_type, elements=tuple(elements(body)), metadata=metadata, warnings=content.warnings
    )


def split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """Return the fields at the top that are plain `name: value` or lists, and the rest of the text."""
    front_matter = _FRONT_MATTER.match(text)
    if not front_matter:
        return {}, text
    fields: dict[str, Any] = {}
    name = ""
    for line in front_matter[2].split("\n"):
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
        except (ValueError, RecursionError):
            return [part.strip(" '\"") for part in text.strip("[]").split(",")]
    return text.strip("'\"")


def elements(text: str) -> Iterator[Element]:
    source = _COMMENT.sub("", text) if "<!--" in text or "%%" in text else text
    environment: dict[str, Any] = {}
    tokens = _parser().parse(source, environment)
    return _Reader(tokens, environment, source.split("\n")).elements()


@cache
def _parser() -> MarkdownIt:
    parser = (
        MarkdownIt("commonmark").enable(["table", "strikethrough"]).use(footnote_plugin).use(deflist_plugin)
    )
    parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)
    parser.core.ruler.disable("footnote_tail")  # which drops notes without a mark
    return parser


class _Reader:
    """Reads the tokens of one document. `_numbers` are those of the list items around, "" where it is used or there is none;
    `_next` the next ones of the lists around."""

    def __init__(self, tokens: Sequence[Token], environment: dict[str, Any], lines: list[str]) -> None:
        self._tokens = tokens
        self._lines = lines
        self._inline_notes: dict[int, dict[str, Any]] = environment.get("footnotes", {}).get("list", {})
        self._numbers: list[str] = []
        self._next: list[int | None] = []
        self._notes = dict(self._labelled_notes())
        self._marks = {label for token in tokens for label in _labels(token)}

    def elements(self) -> Iterator[Element]:
        at = 0
        while at < len(self._tokens):
            end = self._end(at)
            yield from self._block(at, end)
            at = end

    def _end(self, at: int) -> int:
        """Return the index behind what is read at once: a token, or a table, or a note."""
        token = self._tokens[at]
        if token.type in ("table_open", "footnote_reference_open"):
            return self._close(at)
        if token.type == "html_block" and _OPEN_TABLE.search(token.content):
            last = self._last_line(at)
            behind = (
                index for index in range(at + 1, len(self._tokens)) if _first_line(self._tokens[index]) > last
            )
            return next(behind, len(self._tokens))
        return at + 1

    def _close(self, at: int) -> int:
        closing = self._tokens[at].type.replace("_open", "_close")
        return (
            next(index for index in range(at, len(self._tokens)) if self._tokens[index].type == closing) + 1
        )

    def _last_line(self, at: int) -> int:
        """Return the line in which the table that begins here ends. For Markdown, the blank lines in it end the HTML."""
        first = max(_first_line(self._tokens[at]), 0)
        ends = (
            number for number in range(first, len(self._lines)) if "</table" in self._lines[number].lower()
        )
        return next(ends, len(self._lines))

    def _block(self, at: int, end: int) -> Iterator[Element]:
        token = self._tokens[at]
        if token.type == "inline":
            yield from self._text(token, self._tokens[at - 1])
        elif token.type in ("fence", "code_block"):
            yield element_builders.code(token.content)
        elif token.type.startswith("math_block"):
            yield Element(ElementKind.FORMULA, token.content.strip())
        elif token.type == "html_block":
            is_table = end > at + 1
            lines = self._lines[_first_line(token) : self._last_line(at) + 1]
            yield from _page("\n".join(lines) if is_table else token.content)
        elif token.type == "table_open":
            yield from self._table(self._tokens[at:end])
        elif token.type == "footnote_reference_open" and token.meta["label"] not in self._marks:
            yield from self._note(token.meta["label"])
        else:
            self._count(token)

    def _count(self, token: Token) -> None:
        """Keep the numbers of the lists around."""
        if token.type == "ordered_list_open":
            start = token.attrGet("start")
            self._next.append(1 if start is None else int(start))
        elif token.type == "bullet_list_open":
            self._next.append(None)
        elif token.type in ("ordered_list_close", "bullet_list_close"):
            self._next.pop()
        elif token.type == "list_item_open":
            number = self._next[-1]
            self._numbers.append("" if number is None else f"{number}{token.markup} ")
            self._next[-1] = None if number is None else number + 1
        elif token.type == "dd_open":
            self._numbers.append("")
        elif token.type in ("list_item_close", "dd_close"):
            self._numbers.pop()

    def _text(self, token: Token, opening: Token) -> Iterator[Element]:
        text = _line(token)
        if opening.type == "heading_open":
            yield element_builders.title(_HEADING_ATTRIBUTES.sub("", text), int(opening.tag[1:]))
        elif opening.type == "dt_open" or self._numbers:
            number = self._numbers[-1] if self._numbers else ""
            yield element_builders.item(number + text)
            self._numbers[-1:] = [""] if self._numbers else []
        else:
            text = _CONTAINER.sub(lambda match: _named(match[2] or match[1]), text)
            yield element_builders.paragraph(_ALERT.sub(lambda match: _named(match[1]), text))
        yield from self._notes_of(token)

    def _table(self, tokens: Sequence[Token]) -> Iterator[Element]:
        rows: list[list[str]] = []
        for token in tokens:
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(_line(token))
        yield element_builders.table(rows, header_rows=1 if len(rows) > 1 else 0)
        for token in tokens:
            yield from self._notes_of(token)

    def _labelled_notes(self) -> Iterator[tuple[str, str]]:
        for at, token in enumerate(self._tokens):
            if token.type == "footnote_reference_open":
                inside = self._tokens[at : self._close(at)]
                yield (
                    token.meta["label"],
                    "\n".join(_line(inner) for inner in inside if inner.type == "inline"),
                )

    def _notes_of(self, token: Token) -> Iterator[Element]:
        """Yield the notes whose first marks are in this line."""
        for label in _labels(token):
            yield from self._note(label)
        for child in token.children or ():
            if child.type == "footnote_ref" and "label" not in child.meta:
                yield Element(ElementKind.NOTE, self._inline_notes[child.meta["id"]]["content"])

    def _note(self, label: str) -> Iterator[Element]:
        text = self._notes.pop(label, "")
        if text:
            yield Element(ElementKind.NOTE, f"[{label}] {text}")


def _labels(token: Token) -> list[str]:
    marks = (child for child in token.children or () if child.type == "footnote_ref")
    return [mark.meta["label"] for mark in marks if "label" in mark.meta]


def _first_line(token: Token) -> int:
    return token.map[0] if token.map else -1


def _named(name: str) -> str:
    return f"{name[:1].upper()}{name[1:].lower() if name.isupper() else name[1:]}: " if name else ""


def _line(token: Token) -> str:
    """Return a line's words: links without their addresses, pictures as their descriptions."""
    children = token.children or ()
    tags = [child.content for child in children if child.type == "html_inline"]
    if not all(map(_PLAIN_TAG.fullmatch, tags)):
        return "\n".join(element.text for element in _page("".join(map(_as_html, children))))
    kept = {
        index for index, child in enumerate(children) if child.nesting == 1 and _is_in_a_word(children, index)
    }
    kept |= {_closing(children, index) for index in kept}
    text = "".join(child.markup if index in kept else _words(child) for index, child in enumerate(children))
    return _LINE_END.sub("\n", text).strip() if tags else text


def _is_in_a_word(children: Sequence[Token], opening: int) -> bool:
    """Return whether marks of emphasis belong to a name or to a product, as in __init__.py or 2*x*y."""
    closing = _closing(children, opening)
    before = children[opening - 1].content[-1:] if opening else ""
    after = children[closing + 1].content if closing + 1 < len(children) else ""
    if children[opening].markup.startswith("_"):
        return bool(_REST_OF_NAME.match(after))
    inside = children[opening + 1].content
    is_factor = len(inside) <= 2 and inside.isascii() and closing == opening + 2
    return children[opening].markup == "*" and is_factor and before.isalnum() and after[:1].isalnum()


def _closing(children: Sequence[Token], opening: int) -> int:
    level = children[opening].level
    inside = (index for index in range(opening + 1, len(children)) if children[index].level == level)
    return next((index for index in inside if children[index].nesting == -1), len(children) - 1)


def _words(token: Token) -> str:
    if token.type == "text":
        text = _WIKI_LINK.sub(r"\1", token.content) if "[[" in token.content else token.content
        return _HIGHLIGHT.sub(r"\1", text) if "==" in text else text
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    if token.type == "html_inline":
        return "\n" if token.content[1:3].lower() == "br" else ""
    if token.type == "image":
        return "".join(map(_words, token.children or ()))
    if token.type == "footnote_ref":
        return f"[{token.meta['label']}]" if "label" in token.meta else ""
    return token.content


def _as_html(token: Token) -> str:
    if token.type == "html_inline":
        return token.content
    return "<br>" if token.type == "hardbreak" else html_entities.escape(_words(token))


def _page(markup: str) -> Iterator[Element]:
    """Yield the elements of HTML inside of Markdown. Components of MDX have titles."""
    return html.elements(
        _COMPONENT.sub(lambda match: f"<p>{match[1]}</p>", markup) if "=" in markup else markup
    )
