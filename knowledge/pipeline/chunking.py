"""Chunking: parsed elements in, chunks out, which follow the document's titles and fit the embedder.

A chunk's length includes the titles above it, because `embedding_input` prepends them. The body of a section is therefore
cut at the same places, whether its title is part of the chunk or above it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from engines.parsing import Element, ElementKind
from knowledge.pipeline.splitting import Piece, Range, Splitter, TokenCounter, balanced_size

VERSION = 1

ELEMENT_SEPARATOR = "\n\n"
SMALL_DIVISOR = 3  # a chunk below this part of the budget is merged with a neighbour
TITLES_DIVISOR = 4  # titles have at most this part of the budget; a longer title is a paragraph
# Limits a chunk's characters, because some tokenizers count a word of any length as one token.
CHARACTERS_PER_TOKEN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkedText:
    """`text` is `document.text[start:end]`, and `page` the page on which it starts. `heading_path` has the titles above it,
    the highest first, and its own if it starts with one. `token_count` is that of `text`."""

    position: int
    text: str
    page: int | None
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
    elements: Sequence[Element], *, counter: TokenCounter, max_tokens: int, overlap: int = 0
) -> ChunkedDocument:
    """Every character except white space is in a chunk; without `overlap`, in exactly one. With it, a chunk starts with up
    to `overlap` tokens of the previous chunk of the same section. No chunk's `embedding_input` exceeds `max_tokens`."""
    text = ELEMENT_SEPARATOR.join(stripped for element in elements if (stripped := element.text.strip()))
    budget = max_tokens - overlap
    splitter = Splitter(text, counter, budget * CHARACTERS_PER_TOKEN)
    sections = _sections(elements, splitter, budget)
    drafts: Iterator[_Draft] = (
        draft for section in sections for draft in _split_section(section, splitter, budget)
    )
    drafts = _merge_small(drafts, budget, related_only=True)
    drafts = _merge_small(drafts, budget, related_only=False)
    if overlap:
        drafts = _add_overlap(drafts, text, counter, overlap)
    chunks = tuple(
        ChunkedText(
            position=position,
            text=text[draft.start : draft.end],
            page=draft.page,
            heading_path=tuple(title.text for title in draft.path),
            start=draft.start,
            end=draft.end,
            token_count=draft.tokens,
        )
        for position, draft in enumerate(drafts)
    )
    return ChunkedDocument(text=text, chunks=chunks)


def embedding_input(chunk: ChunkedText) -> str:
    """The text to embed and index: the chunk's text, with those of its titles prepended that it does not start with."""
    above, rest = [], chunk.text
    for title in chunk.heading_path:
        if rest.startswith(title):
            rest = rest[len(title) :].lstrip()
        else:
            above.append(title)
    return "\n".join((*above, chunk.text))


class _Title(NamedTuple):
    text: str
    level: int
    start: int
    tokens: int


class _Draft(NamedTuple):
    """A future chunk. `path` has its titles; `has_body` is False while it consists of titles only."""

    start: int
    end: int
    tokens: int
    page: int | None
    path: tuple[_Title, ...]
    has_body: bool

    def can_absorb(self, following: _Draft, max_tokens: int) -> bool:
        """Token counts add up only across white space."""
        characters = following.end - self.start
        return self.end < following.start and characters <= max_tokens * CHARACTERS_PER_TOKEN

    def absorb(self, following: _Draft) -> _Draft:
        tokens, has_body = self.tokens + following.tokens, self.has_body or following.has_body
        return _Draft(self.start, following.end, tokens, self.page, self.path, has_body)


class _Section(NamedTuple):
    """A title (None before the first one) and the elements up to the next title. `path` ends with the title. A huge element
    has several pieces in `body`."""

    path: tuple[_Title, ...]
    title: _Draft | None
    body: list[tuple[Element, Piece]]


def _sections(elements: Sequence[Element], splitter: Splitter, max_tokens: int) -> Iterator[_Section]:
    """Measure the elements, and group them by title."""
    owners: list[Element] = []
    ranges: list[Range] = []
    start = 0
    for element in elements:
        if length := len(element.text.strip()):
            parts = list(splitter.split_huge(Range(start, start + length)))
            ranges += parts
            owners += [element] * len(parts)
            start += length + len(ELEMENT_SEPARATOR)
    section, titles = _Section((), None, []), list[_Title]()
    for element, piece in zip(owners, splitter.measure(ranges), strict=True):
        size = max(piece.tokens, (piece.end - piece.start) / CHARACTERS_PER_TOKEN)
        if element.kind is not ElementKind.TITLE or size * TITLES_DIVISOR > max_tokens:
            section.body.append((element, piece))
            continue
        if section.title or section.body:
            yield section
        title = _Title(element.text.strip(), element.level, piece.start, piece.tokens)
        titles = [*(above for above in titles if above.level < title.level), title]
        # The lowest titles, as many as there is room for: at least the title itself.
        totals = accumulate(title.tokens for title in reversed(titles))
        count = sum(total * TITLES_DIVISOR <= max_tokens for total in totals)
        path = tuple(titles[-count:])
        section = _Section(path, _Draft(*piece, element.page, path, has_body=False), [])
    if section.title or section.body:
        yield section


def _split_section(section: _Section, splitter: Splitter, max_tokens: int) -> Iterator[_Draft]:
    """Split the body into parts of similar length, the first of which has the title."""
    path, title, body = section
    room = max_tokens - sum(above.tokens for above in path)
    pieces = [
        _Draft(*piece, element.page, path, has_body=True)
        for element, whole in body
        for piece in splitter.cut(whole, element.kind, room)
    ]
    remaining = sum(piece.tokens for piece in pieces)
    draft, used, limit = title, 0, balanced_size(remaining, room)
    for piece in pieces:
        if draft is None or not draft.has_body:
            draft = draft.absorb(piece) if draft else piece
        elif used + piece.tokens <= limit and draft.can_absorb(piece, max_tokens):
            draft = draft.absorb(piece)
        else:
            yield draft
            remaining -= used
            draft, used, limit = piece, 0, balanced_size(remaining, room)
        used += piece.tokens
    if draft:
        yield draft


def _merge_small(drafts: Iterable[_Draft], max_tokens: int, *, related_only: bool) -> Iterator[_Draft]:
    """Merge small drafts with the previous one: with `related_only`, only below the same parent. A title stays with the
    text that follows it."""
    last: _Draft | None = None
    for draft in drafts:
        if last is None:
            last = draft
            continue
        # The titles above the last draft are part of its embedding input.
        tokens = last.tokens + draft.tokens
        tokens += sum(title.tokens for title in last.path if title.start < last.start)
        is_small = min(last.tokens, draft.tokens) * SMALL_DIVISOR < max_tokens
        is_below = draft.path[: len(last.path)] == last.path
        is_related = draft.has_body and (is_below or last.path[:-1] == draft.path[:-1])
        fits = tokens <= max_tokens and last.can_absorb(draft, max_tokens)
        if is_small and fits and (is_related or not related_only):
            path = draft.path if is_below and not last.has_body else last.path
            last = last.absorb(draft)._replace(path=path)
        else:
            yield last
            last = draft
    if last:
        yield last


def _add_overlap(
    drafts: Iterable[_Draft], text: str, counter: TokenCounter, overlap: int
) -> Iterator[_Draft]:
    """Let drafts start at the first word of the last `overlap` tokens of the previous draft of the same section."""
    last: _Draft | None = None
    for draft in drafts:
        start, tokens = draft.start, draft.tokens
        if last and last.path == draft.path:
            starts = counter.token_starts(text[last.start : last.end])
            for position, offset in enumerate(starts[-overlap:]):
                if not offset or text[last.start + offset - 1].isspace():
                    start, tokens = last.start + offset, tokens + min(overlap, len(starts)) - position
                    break
        yield draft._replace(start=start, tokens=tokens)
        last = draft
