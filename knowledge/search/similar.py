"""Folding near-identical passages into the best of them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from knowledge.search.found_chunks import FoundChunk
from knowledge.search.phrases import fold

# Passages are near-identical if they share so much of their sequences of so many words, and have the same words with digits:
# a number may be all that distinguishes them, such as that of an order.
MIN_SHARED, SEQUENCE = 0.7, 3
_WORDS = re.compile(r"\w+")
_DIGIT = re.compile(r"\d")

Sequences = frozenset[tuple[str, ...]]


def folded(chunks: Sequence[FoundChunk]) -> list[FoundChunk]:
    """Return the chunks, the best first, without those that are near-identical to a better one, which has their ids."""
    kept: list[tuple[FoundChunk, Sequences, list[FoundChunk]]] = []
    having: defaultdict[tuple[tuple[str, ...], frozenset[str]], list[int]] = defaultdict(list)
    for chunk in chunks:
        words = _WORDS.findall(fold(chunk.text))
        numbers = frozenset(filter(_DIGIT.search, words))
        sequences = frozenset(
            tuple(words[i : i + SEQUENCE]) for i in range(max(1, len(words) - SEQUENCE + 1))
        )
        shared = Counter(number for one in sequences for number in having[one, numbers])
        for number, count in sorted(shared.items()):
            if count >= MIN_SHARED * len(sequences | kept[number][1]):
                kept[number][2].append(chunk)
                break
        else:
            for one in sequences:
                having[one, numbers].append(len(kept))
            kept.append((chunk, sequences, []))
    return [replace(chunk, similar=tuple(one.chunk_id for one in like_it)) for chunk, _, like_it in kept]
