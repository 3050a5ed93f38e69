"""Elements in, chunks out: parts of the document's plain text that follow its titles and fit the embedder.

A chunk's length counts the titles above it, because `embedding_input` puts them in front. So it makes no
difference whether a section's title stands in the chunk or above it: its body is cut without regard to that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engines.parsing import Element, ElementKind
from knowledge.pipeline.splitting import Piece, Range, Splitter, TokenCounter, share

VERSION = 1

BETWEEN_ELEMENTS = "\n\n"
SMALL = 3  # a chunk below this part of the budget is joined with a neighbour
TITLES = 4  # titles have at most this part of the budget; what is longer is a paragraph
CHARACTERS_PER_TOKEN = 8  # to some tokenizers a word without end is one token


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkedText:
    """`text` is `document.text[start:end]`, and `page` where it begins. `heading_path` has the titles that it
    stands under, the highest first, its own among them if it begins with one. `token_count` is of `text`."""

    position: int
    text: str
    page: int | None
    heading_path: tuple[str, ...]
    start: int
    end: int
    token_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkedDocument:
    """`text` is the plain text of the whole document: its elements, with a blank line between them."""

    text: str
    chunks: tuple[ChunkedText, ...]


def chunk(
    elements: Sequence[Element], *, counter: TokenCounter, max_tokens: int, overlap: int = 0
) -> ChunkedDocument:
    """Every character but white space is in a chunk; in exactly one without overlap. With it, a chunk begins with up to
    `overlap` tokens of the one before in the same section. No chunk's `embedding_input` exceeds `max_tokens`."""
    text = BETWEEN_ELEMENTS.join(stripped for element in elements if (stripped := element.text.strip()))
    room = max_tokens - overlap
    splitter = Splitter(text, counter, room * CHARACTERS_PER_TOKEN)
    sections = _sections(_blocks(elements, splitter), room)
    drafts = (draft for section in sections for draft in _drafts(section, splitter, room))
    among_kin = _without_crumbs(drafts, room, kin_only=True)
    final = _without_crumbs(among_kin, room, kin_only=False)
    overlapping = _overlapping(final, text, counter, overlap) if overlap else final
    return ChunkedDocument(text=text, chunks=tuple(_chunks(overlapping, text)))


def embedding_input(chunk: ChunkedText) -> str:
    """What is embedded and indexed: the text, below those of its titles that it does not begin with."""
    above, rest = [], chunk.text
    for title in chunk.heading_path:
        if rest.startswith(title):
            rest = rest[len(title) :].lstrip()
        else:
            above.append(title)
    return "\n".join((*above, chunk.text))


class _Block(NamedTuple):
    """An element, or a part of a huge one, in its place."""

    element: Element
    whole: Piece


class _Title(NamedTuple):
    text: str
    level: int
    start: int
    tokens: int


class _Section(NamedTuple):
    """A title, except before the first, and what follows up to the next. `path` ends with that title."""

    path: tuple[_Title, ...]
    title: _Draft | None
    body: list[_Block]


class _Draft(NamedTuple):
    start: int
    end: int
    tokens: int
    page: int | None
    path: tuple[_Title, ...]
    has_body: bool

    @property
    def length(self) -> int:
        """In tokens, with the titles above that the text does not have itself."""
        return self.tokens + sum(title.tokens for title in self.path if title.start < self.start)

    def extended(self, following: _Draft) -> _Draft:
        tokens, has_body = self.tokens + following.tokens, self.has_body or following.has_body
        return _Draft(self.start, following.end, tokens, self.page, self.path, has_body)


def _blocks(elements: Sequence[Element], splitter: Splitter) -> Iterator[_Block]:
    owners: list[Element] = []
    ranges: list[Range] = []
    start = 0
    for element in elements:
        if length := len(element.text.strip()):
            for part in splitter.parts(Range(start, start + length)):
                ranges.append(part)
                owners.append(element)
            start += length + len(BETWEEN_ELEMENTS)
    return map(_Block, owners, splitter.measure(ranges))


def _sections(blocks: Iterable[_Block], max_tokens: int) -> Iterator[_Section]:
    stack: list[_Title] = []
    section = _Section((), None, [])
    for block in blocks:
        if not _is_title(block, max_tokens):
            section.body.append(block)
            continue
        if section.title or section.body:
            yield section
        title = _Title(block.element.text.strip(), block.element.level, block.whole.start, block.whole.tokens)
        stack = [*(above for above in stack if above.level < title.level), title]
        path = _fitting(stack, max_tokens)
        heading = _Draft(title.start, block.whole.end, title.tokens, block.element.page, path, False)
        section = _Section(path, heading, [])
    if section.title or section.body:
        yield section


def _is_title(block: _Block, max_tokens: int) -> bool:
    if block.element.kind is not ElementKind.TITLE:
        return False
    characters = block.whole.end - block.whole.start
    return max(block.whole.tokens, characters / CHARACTERS_PER_TOKEN) * TITLES <= max_tokens


def _fitting(titles: Sequence[_Title], max_tokens: int) -> tuple[_Title, ...]:
    """The last of the titles, as many as there is room for."""
    first, tokens = len(titles), 0
    while first and (tokens + titles[first - 1].tokens) * TITLES <= max_tokens:
        first -= 1
        tokens += titles[first].tokens
    return tuple(titles[first:])


def _drafts(section: _Section, splitter: Splitter, max_tokens: int) -> Iterator[_Draft]:
    """The body in parts of about the same length, the first of them with the title."""
    path, title, body = section
    room = max_tokens - sum(above.tokens for above in path)
    pieces = [
        _Draft(*piece, block.element.page, path, True)
        for block in body
        for piece in splitter.cut(block.whole, block.element.kind, room)
    ]
    remaining = sum(piece.tokens for piece in pieces)
    draft, used, limit = title, 0, share(remaining, room)
    for piece in pieces:
        if draft is None or not draft.has_body:
            draft = draft.extended(piece) if draft else piece
        elif used + piece.tokens <= limit and _adjoin(draft, piece, max_tokens):
            draft = draft.extended(piece)
        else:
            yield draft
            remaining -= used
            draft, used, limit = piece, 0, share(remaining, room)
        used += piece.tokens
    if draft:
        yield draft


def _without_crumbs(drafts: Iterable[_Draft], max_tokens: int, *, kin_only: bool) -> Iterator[_Draft]:
    """Join small drafts with a neighbour: one of the same parent, or any."""
    last: _Draft | None = None
    for draft in drafts:
        joined = _joined(last, draft, max_tokens, kin_only=kin_only) if last else None
        if last and not joined:
            yield last
        last = joined or draft
    if last:
        yield last


def _joined(first: _Draft, second: _Draft, max_tokens: int, *, kin_only: bool) -> _Draft | None:
    """Both as one, if that is for the better: a title stays with what follows it."""
    if min(first.tokens, second.tokens) * SMALL >= max_tokens:
        return None
    fits = first.length + second.tokens <= max_tokens and _adjoin(first, second, max_tokens)
    inside = second.path[: len(first.path)] == first.path
    kin = second.has_body and (inside or first.path[:-1] == second.path[:-1])
    if not (fits and (kin or not kin_only)):
        return None
    path = second.path if inside and not first.has_body else first.path
    return first.extended(second)._replace(path=path)


def _adjoin(first: _Draft, second: _Draft, max_tokens: int) -> bool:
    """Lengths only add up across white space."""
    return first.end < second.start and second.end - first.start <= max_tokens * CHARACTERS_PER_TOKEN


def _overlapping(
    drafts: Iterable[_Draft], text: str, counter: TokenCounter, overlap: int
) -> Iterator[_Draft]:
    last: _Draft | None = None
    for draft in drafts:
        if last and last.path == draft.path:
            yield _begun_earlier(draft, last, text, counter, overlap)
        else:
            yield draft
        last = draft


def _begun_earlier(draft: _Draft, last: _Draft, text: str, counter: TokenCounter, overlap: int) -> _Draft:
    """From the first word of the last draft's final `overlap` tokens on."""
    tokens = counter.token_starts(text[last.start : last.end])
    first = max(0, len(tokens) - overlap)
    while first < len(tokens) and tokens[first] and not text[last.start + tokens[first] - 1].isspace():
        first += 1
    if first == len(tokens):
        return draft
    return draft._replace(start=last.start + tokens[first], tokens=draft.tokens + len(tokens) - first)


def _chunks(drafts: Iterable[_Draft], text: str) -> Iterator[ChunkedText]:
    for position, draft in enumerate(drafts):
        yield ChunkedText(
            position=position,
            text=text[draft.start : draft.end],
            page=draft.page,
            heading_path=tuple(title.text for title in draft.path),
            start=draft.start,
            end=draft.end,
            token_count=draft.tokens,
        )
