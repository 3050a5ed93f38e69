"""Elements in, chunks out: pieces of the document's plain text that follow its titles and fit the embedder.

A chunk's length counts the titles above it, because `embedding_input` puts them in front. Text is only ever cut
between tokens, at white space wherever there is some, so that lengths add up; where a cut has to go through a
word, the pieces are measured again.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from knowledge.parsing import Element, ElementKind

VERSION = 1

Spans = list[tuple[int, int]]
TokenSpans = Callable[[Sequence[str]], list[Spans]]

BETWEEN_ELEMENTS = "\n\n"
SMALL = 3  # a chunk below this part of the budget is joined with its neighbour
TITLES = 4  # the titles above a chunk take at most this part of the budget
CHARACTERS_PER_TOKEN = 8  # a word without end is a single token to some tokenizers; no chunk is longer than this

# White space as tokenizers see it: Python's own would count some control characters too.
_SPACE = "[ \t\n\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
_WORD = re.compile(f"{_SPACE}+")
_LINE = re.compile(f"\n{_SPACE}*")
_PARAGRAPH = re.compile(f"\n[ \t\r]*\n{_SPACE}*")
_SENTENCE = re.compile(f"""[.!?…]["'”’»)\\]]*{_SPACE}+(?![a-z])|[。！？]["”’」』）]*{_SPACE}*""")
_PROSE = (_PARAGRAPH, _SENTENCE, _WORD)
# Where to cut an element that is too long, best place first.
_CUTS = {
    ElementKind.TABLE: (_LINE, _WORD),
    ElementKind.CODE: (_PARAGRAPH, _LINE, _WORD),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkedText:
    """`text` is `document.text[start:end]`. `heading_path` has the titles that it stands under, the highest first,
    its own among them if it begins with one; `page` is where it begins."""

    position: int
    text: str
    page: int | None
    heading_path: tuple[str, ...]
    start: int
    end: int
    token_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkedDocument:
    text: str
    chunks: tuple[ChunkedText, ...]


def chunk(elements: Sequence[Element], *, token_spans: TokenSpans, max_tokens: int) -> ChunkedDocument:
    """Every character but white space is in exactly one chunk. No `embedding_input` has more than `max_tokens`."""
    blocks = _blocks(elements, token_spans)
    text = BETWEEN_ELEMENTS.join(block.text for block in blocks)
    budget = _Budget(max_tokens, token_spans)
    drafts = [draft for section in _sections(blocks, budget) for draft in section.drafts(budget)]
    for related in (True, False):
        drafts = list(_without_crumbs(drafts, budget, related=related))
    return ChunkedDocument(text=text, chunks=tuple(_finished(drafts, text)))


def embedding_input(chunk: ChunkedText) -> str:
    """What is embedded and indexed: the text under those of its titles that it does not begin with anyway."""
    above, rest = [], chunk.text
    for title in chunk.heading_path:
        if rest.startswith(title):
            rest = rest[len(title) :].lstrip()
        else:
            above.append(title)
    return "\n".join((*above, chunk.text))
