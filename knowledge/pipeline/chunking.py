"""Chunking: parsed elements in, chunks out, which follow the document's titles and fit the embedder.

A chunk's length includes the titles above it, because `embedding_input` prepends them. The body of a section is therefore
cut at the same places, whether its title is part of the chunk or above it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from engines.parsing import Element, ElementKind, PageKind
from knowledge.pipeline.splitting import Piece, Range, Splitter, TokenCounter, balanced_size

VERSION = 3

ELEMENT_SEPARATOR = "\n\n"
TITLES_DIVISOR = 4  # titles have at most this part of the budget; a longer title is a paragraph
HEADER_DIVISOR = 2  # the lines that name a table's columns are repeated if they have at most this part of it
# Limits a chunk's characters, because some tokenizers count a word of any length as one token.
CHARACTERS_PER_TOKEN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkedText:
    """`text` is `document.text[start:end]`; if that begins within a table, after the lines that name the table's columns.
    `page` and `last_page` are those of its first and last word. `heading_path` has the titles above it, the highest first,
    and its own if it starts with one. `token_count` is that of `text`."""

    position: int
    text: str
    page: int | None
    last_page: int | None
    heading_path: tuple[str, ...]
    start: int
    end: int
    token_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkedDocument:
    """`text` is the plain text of the whole document: its elements, separated by blank lines."""

    text: str
    chunks: tuple[ChunkedText, ...]


def chunk(
    elements: Sequence[Element],
    *,
    counter: TokenCounter,
    max_tokens: int,
    overlap: int = 0,
    page_kind: PageKind = PageKind.PAGE,
) -> ChunkedDocument:
    """Every character except white space is in a chunk; without `overlap`, in exactly one. With it, a chunk starts with up
    to `overlap` tokens of the previous chunk of the same section. No chunk runs over a title, slide, sheet or chapter, and
    over a page only in a paragraph. No chunk's `embedding_input` exceeds `max_tokens`."""
    blocks, text = _lay_out(elements)
    budget = max_tokens - overlap
    splitter = Splitter(text, counter, budget * CHARACTERS_PER_TOKEN)
    sections = _sections(blocks, splitter, budget, page_kind)
    drafts: Iterator[_Draft] = (
        draft for section in sections for draft in _split_section(section, splitter, budget)
    )
    drafts = _join_lone_titles(drafts, budget)
    if overlap:
        drafts = _add_overlap(drafts, text, counter, overlap)
    pages = _Pages(blocks)
    chunks = tuple(
        ChunkedText(
            position=position,
            text=draft.header.above(text[draft.start : draft.end]),
            page=pages.at(draft.start),
            last_page=pages.at(draft.end - 1),
            heading_path=tuple(title.text for title in draft.path),
            start=draft.start,
            end=draft.end,
            token_count=draft.tokens + draft.header.tokens,
        )
        for position, draft in enumerate(drafts)
    )
    return ChunkedDocument(text=text, chunks=chunks)


def embedding_input(chunk: ChunkedText) -> str:
    """The text to embed and index."""
    return with_titles(chunk.heading_path, chunk.text)


def with_titles(titles: Sequence[str], text: str) -> str:
    """Prepend those of the titles that the text does not start with."""
    above, rest = [], text
    for title in titles:
        if rest.startswith(title):
            rest = rest[len(title) :].lstrip()
        else:
            above.append(title)
    return "\n".join((*above, text))


class _Block(NamedTuple):
    """An element, and where it is in the document's text."""

    element: Element
    start: int
    end: int


def _lay_out(elements: Sequence[Element]) -> tuple[list[_Block], str]:
    """Return the elements that have text, and the document's text."""
    blocks: list[_Block] = []
    parts: list[str] = []
    length = 0
    for element in elements:
        if stripped := element.text.strip():
            separator = "" if not parts else " " if element.continues else ELEMENT_SEPARATOR
            start = length + len(separator)
            length = start + len(stripped)
            parts += (separator, stripped)
            blocks.append(_Block(element, start, length))
    return blocks, "".join(parts)


class _Pages:
    """Which page is where in the text."""

    def __init__(self, blocks: Sequence[_Block]) -> None:
        self._starts = [block.start for block in blocks]
        self._pages = [block.element.page for block in blocks]

    def at(self, position: int) -> int | None:
        return self._pages[bisect_right(self._starts, position) - 1]


class _Title(NamedTuple):
    text: str
    level: int
    start: int
    tokens: int


class _Header(NamedTuple):
    """The lines that name a table's columns."""

    text: str = ""
    tokens: int = 0

    def above(self, rows: str) -> str:
        return f"{self.text}\n{rows}" if self.text else rows


class _Draft(NamedTuple):
    """A future chunk. `path` has its titles; `has_body` is False while it consists of titles only. It has a `header` if it
    begins within a table. It is on `page`, or ends there; a piece may `continue` the paragraph
    of the page before."""

    start: int
    end: int
    tokens: int
    path: tuple[_Title, ...]
    has_body: bool
    page: int | None
    continues: bool = False
    header: _Header = _Header()

    def can_absorb(self, following: _Draft, max_tokens: int) -> bool:
        """Token counts add up only across white space."""
        characters = following.end - self.start + len(self.header.text)
        return self.end < following.start and characters <= max_tokens * CHARACTERS_PER_TOKEN

    def absorb(self, following: _Draft) -> _Draft:
        tokens, has_body = self.tokens + following.tokens, self.has_body or following.has_body
        return self._replace(end=following.end, tokens=tokens, has_body=has_body, page=following.page)


class _Section(NamedTuple):
    """A title (None before the first one of the document, slide, sheet or chapter) and what follows up to the next title.
    `path` ends with the title. A huge element has several pieces in `body`."""

    path: tuple[_Title, ...]
    title: _Draft | None
    body: list[tuple[_Block, Piece]]


def _sections(
    blocks: Sequence[_Block], splitter: Splitter, max_tokens: int, page_kind: PageKind
) -> Iterator[_Section]:
    """Measure the elements, and group them by title and, unless they are pages of paper, by page."""
    section, titles = _Section((), None, []), list[_Title]()
    page = blocks[0].element.page if blocks else None
    for block, piece in _measure(blocks, splitter):
        element = block.element
        if page_kind is not PageKind.PAGE and element.page != page:
            yield section
            section, titles, page = _Section((), None, []), [], element.page
        size = max(piece.tokens, (piece.end - piece.start) / CHARACTERS_PER_TOKEN)
        if element.kind is not ElementKind.TITLE or size * TITLES_DIVISOR > max_tokens:
            section.body.append((block, piece))
            continue
        yield section
        title = _Title(element.text.strip(), element.level, piece.start, piece.tokens)
        titles = [*(above for above in titles if above.level < title.level), title]
        path = _that_fit(titles, max_tokens)
        section = _Section(path, _Draft(*piece, path, has_body=False, page=element.page), [])
    yield section


def _measure(blocks: Sequence[_Block], splitter: Splitter) -> Iterator[tuple[_Block, Piece]]:
    parts = [(block, part) for block in blocks for part in splitter.split_huge(Range(block.start, block.end))]
    measured = splitter.measure([part for _, part in parts])
    return zip((block for block, _ in parts), measured, strict=True)


def _that_fit(titles: Sequence[_Title], max_tokens: int) -> tuple[_Title, ...]:
    """The lowest titles, as many as there is room for: at least the last one."""
    totals = accumulate(title.tokens for title in reversed(titles))
    count = sum(total * TITLES_DIVISOR <= max_tokens for total in totals)
    return tuple(titles[-count:])


def _split_section(section: _Section, splitter: Splitter, max_tokens: int) -> Iterator[_Draft]:
    """Split the body into parts that fit, the first of which has the title."""
    path, title, body = section
    room = max_tokens - sum(above.tokens for above in path)
    pieces = [piece for block, whole in body for piece in _cut(block, whole, path, splitter, room)]
    if title and not pieces:
        yield title
    for run in _runs(pieces):
        yield from _balance(title, run, room, max_tokens)
        title = None


def _runs(pieces: Iterable[_Draft]) -> Iterator[list[_Draft]]:
    """Group the pieces by page. Only a paragraph that has begun goes on over the end of a page."""
    run: list[_Draft] = []
    for piece in pieces:
        if run and piece.page != run[-1].page and not piece.continues:
            yield run
            run = []
        run.append(piece)
    if run:
        yield run


def _balance(draft: _Draft | None, pieces: Sequence[_Draft], room: int, max_tokens: int) -> Iterator[_Draft]:
    """Join the pieces to parts of similar length; the first of them begins with the title `draft`, if there is one."""
    remaining = sum(piece.tokens for piece in pieces)
    used, limit = 0, balanced_size(remaining, room)
    for piece in pieces:
        if draft is None or not draft.has_body:
            draft = draft.absorb(piece) if draft else piece
        elif used + piece.tokens <= limit and draft.can_absorb(piece, max_tokens):
            draft = draft.absorb(piece)
        else:
            yield draft
            remaining -= used
            draft, used = piece, 0
            limit = balanced_size(remaining, room - piece.header.tokens)
        used += piece.tokens
    if draft:
        yield draft


def _cut(
    block: _Block, whole: Piece, path: tuple[_Title, ...], splitter: Splitter, room: int
) -> Iterator[_Draft]:
    """Parts of an element that fit. Those of a table after the first one have its header."""
    header = _header(block, splitter, room) if whole.tokens > room or whole.start > block.start else _Header()
    for piece in splitter.cut(whole, block.element.kind, room - header.tokens):
        is_first, element = piece.start == block.start, block.element
        yield _Draft(
            *piece,
            path,
            has_body=True,
            page=element.page,
            continues=element.continues and is_first,
            header=_Header() if is_first else header,
        )


def _header(block: _Block, splitter: Splitter, room: int) -> _Header:
    """The lines that name the columns, if they leave enough room for rows."""
    lines = block.element.text.strip().split("\n", block.element.header_rows)[: block.element.header_rows]
    text = "\n".join(lines)
    (measured,) = splitter.measure([Range(block.start, block.start + len(text))])
    is_short = max(measured.tokens, len(text) / CHARACTERS_PER_TOKEN) * HEADER_DIVISOR <= room
    return _Header(text, measured.tokens) if text and is_short else _Header()


def _join_lone_titles(drafts: Iterable[_Draft], max_tokens: int) -> Iterator[_Draft]:
    """A title without text stays with the title below it that follows."""
    last: _Draft | None = None
    for draft in drafts:
        if last and not last.has_body and draft.path and draft.path[-1].level > last.path[-1].level:
            tokens = last.tokens + draft.tokens
            # The titles above are part of its embedding input.
            tokens += sum(title.tokens for title in draft.path if title.start < last.start)
            if tokens <= max_tokens and last.can_absorb(draft, max_tokens):
                last = last.absorb(draft)._replace(path=_joined_path(last, draft))
                continue
        if last:
            yield last
        last = draft
    if last:
        yield last


def _joined_path(last: _Draft, draft: _Draft) -> tuple[_Title, ...]:
    """Titles that are in the text remain in the path, also where they were too long to be prepended: `embedding_input` looks
    for the titles at the start of the text, one after the other."""
    inside = (title for title in last.path if title.start >= last.start)
    return tuple(sorted({*draft.path, *inside}, key=lambda title: title.start))


def _add_overlap(
    drafts: Iterable[_Draft], text: str, counter: TokenCounter, overlap: int
) -> Iterator[_Draft]:
    """Let drafts start at the first word of the last `overlap` tokens of the previous draft of the same section."""
    last: _Draft | None = None
    for draft in drafts:
        start, tokens = draft.start, draft.tokens
        if last and last.path[-1:] == draft.path[-1:]:
            starts = counter.token_starts(text[last.start : last.end])
            for position, offset in enumerate(starts[-overlap:]):
                if not offset or text[last.start + offset - 1].isspace():
                    start, tokens = last.start + offset, tokens + min(overlap, len(starts)) - position
                    break
        yield draft._replace(start=start, tokens=tokens)
        last = draft
