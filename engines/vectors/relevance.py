"""How relevant a hit is: the probability that a person would call it so, by a logistic regression.

`python -m benchmarks.relevance` fits the weights on judged questions, and measures how well they hold on collections that
they were not fitted on: docs/decisions/0029.
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import NamedTuple


class Signals(NamedTuple):
    """Of one hit: the cosine between question and passage, and how much of the question's words the passage has."""

    cosine: float
    words: float


class Weights(NamedTuple):
    """`margin` is the weight of the difference to the best other hit: a passage that stands out is more often right."""

    bias: float
    cosine: float
    words: float
    margin: float

    def strength(self, signals: Signals) -> float:
        """What hits are ordered by."""
        return self.cosine * signals.cosine + self.words * signals.words

    def relevance(self, strength: float, best_other: float) -> float:
        """Of two hits of one search, the stronger one is more relevant, too."""
        return 1 / (1 + exp(-(self.bias + strength + self.margin * (strength - best_other))))


class ModelWeights(NamedTuple):
    """Of an embedding model: for hits by vectors and words, and by vectors only."""

    hybrid: Weights
    dense: Weights


WORDS_ONLY = Weights(bias=-3.71, cosine=0, words=9.57, margin=0.52)
# For questions in a language that the model does not read: its vectors decide only where words do not.
UNREAD = ModelWeights(
    hybrid=Weights(bias=-3.71, cosine=0.06, words=14.19, margin=0.49),
    dense=Weights(bias=-3.98, cosine=1.72, words=0, margin=0),
)
MODELS = {
    "all-MiniLM-L6-v2": ModelWeights(
        hybrid=Weights(bias=-3.9, cosine=3.81, words=5.25, margin=0.67),
        dense=Weights(bias=-3.76, cosine=5.95, words=0, margin=1.34),
    ),
    "multilingual-e5-small": ModelWeights(
        hybrid=Weights(bias=-25.4, cosine=28.3, words=7.07, margin=0.95),
        dense=Weights(bias=-31.4, cosine=36.96, words=0, margin=1.94),
    ),
}
OTHER = "all-MiniLM-L6-v2"


def weights_of(model: str, *, is_read: bool) -> ModelWeights:
    """`model` is the name of a collection's model, which ends with its precision."""
    known = next((name for name in MODELS if model.startswith(name)), OTHER)
    return MODELS[known] if is_read else UNREAD


def words_signal(bm25: float, terms: int, passages: int) -> float:
    """BM25 adds up over the question's terms, and a term weighs more among many passages. Divided by the root of the one and
    the logarithm of the other, it is comparable between questions and between collections."""
    return bm25 / (3 * sqrt(terms) * log(passages + 1)) if bm25 else 0.0
