"""Text to sparse vectors, the same for every adapter: stored texts and queries must be tokenized alike.

One neutral configuration serves all languages, because a chunk's language is not known for certain: compatibility forms,
case and accents are folded, English endings and stop words are removed (measured: better on English, and harmless
elsewhere), and scripts without spaces are split into character bigrams. Qdrant adds the inverse document frequency at
search time.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from qdrant_edge import Bm25, SparseVector

# About the mean number of terms in a chunk. A constant, because stored vectors must not depend on other points.
AVERAGE_LENGTH = 100

# Thai, Lao, Burmese and Khmer; Japanese and Chinese; Korean, whose particles are attached to the word.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+"
)


class Sparse(NamedTuple):
    indices: NDArray[np.uint32]
    values: NDArray[np.float32]


def document_terms(text: str) -> Sparse:
    """Return the weights of a text's terms. Single characters of unspaced scripts are terms too, so that a query of one
    character has matches."""
    return _arrays(_model().embed_document(_normalize(text, with_characters=True)))


def query_terms(text: str) -> Sparse:
    """Return a query's distinct terms; none if it has only stop words and punctuation."""
    return _arrays(_model().embed_query(_normalize(text)))


def share_of_terms(question: str, text: str) -> float:
    """The part of the question's terms that the text has."""
    terms = query_terms(question).indices
    return float(np.isin(terms, document_terms(text).indices).mean()) if len(terms) else 0.0


@cache
def _model() -> Bm25:
    from qdrant_edge import Bm25, Bm25Config, TokenizerType

    return Bm25(
        Bm25Config(
            tokenizer=TokenizerType.Word, language="english", ascii_folding=True, avg_len=AVERAGE_LENGTH
        )
    )


def _normalize(text: str, *, with_characters: bool = False) -> str:
    """Fold compatibility forms, and split unspaced scripts into bigrams, and also into characters if wanted."""
    if text.isascii():
        return text

    def split(match: re.Match[str]) -> str:
        characters = match.group()
        terms = [characters[i : i + 2] for i in range(len(characters) - 1)]
        if with_characters or not terms:
            terms += characters
        return f" {' '.join(terms)} "

    return _UNSPACED.sub(split, unicodedata.normalize("NFKC", text))


def _arrays(vector: SparseVector) -> Sparse:
    return Sparse(np.array(vector.indices, np.uint32), np.array(vector.values, np.float32))
