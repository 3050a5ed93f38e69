"""Text to sparse vectors, the same for every adapter: what is stored and what is asked must count terms
alike.

One neutral configuration serves all languages, because a chunk does not say its language for certain:
compatibility forms, case and accents are folded, English endings and stop words are taken off (measured:
better on English, and harmless elsewhere), and scripts that write no spaces are cut into pairs of characters.
The inverse document frequency is Qdrant's part, at search time.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from qdrant_edge import Bm25, SparseVector

# About the mean number of terms in a chunk. A constant: what is stored must not depend on its neighbours.
AVERAGE_LENGTH = 100

# Thai, Lao, Burmese and Khmer; Japanese and Chinese; Korean, whose particles stick to the word.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+"
)


class Sparse(NamedTuple):
    indices: NDArray[np.uint32]
    values: NDArray[np.float32]


def document_terms(text: str) -> Sparse:
    """The weights of a text's terms. Characters of unspaced scripts also count singly, so that one alone is
    found."""
    return _arrays(_model().embed_document(_folded(text, _pairs_and_characters)))


def query_terms(text: str) -> Sparse:
    """The terms of a question, each once; empty when nothing in it can be searched for."""
    return _arrays(_model().embed_query(_folded(text, _pairs)))


@cache
def _model() -> Bm25:
    from qdrant_edge import Bm25, Bm25Config, TokenizerType

    return Bm25(
        Bm25Config(
            tokenizer=TokenizerType.Word, language="english", ascii_folding=True, avg_len=AVERAGE_LENGTH
        )
    )


def _folded(text: str, cut: Callable[[re.Match[str]], str]) -> str:
    return text if text.isascii() else _UNSPACED.sub(cut, unicodedata.normalize("NFKC", text))


def _pairs(run: re.Match[str]) -> str:
    characters = run.group()
    pairs = [characters[i : i + 2] for i in range(len(characters) - 1)]
    return f" {' '.join(pairs or characters)} "


def _pairs_and_characters(run: re.Match[str]) -> str:
    return _pairs(run) + " ".join(run.group()) + " " if len(run.group()) > 1 else _pairs(run)


def _arrays(vector: SparseVector) -> Sparse:
    return Sparse(np.array(vector.indices, np.uint32), np.array(vector.values, np.float32))
