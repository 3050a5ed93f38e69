"""How relevant a hit is: the probability that a person would call it so, by a logistic regression.

`python -m benchmarks.relevance` fits the weights on judged questions, and measures how well they hold on collections that
they were not fitted on: docs/decisions/0029.
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import NamedTuple


class Signals(NamedTuple):
    """Of one hit: how alike question and passage are in meaning, and how much of the question's words the passage has. Both
    are about 0 for what is unrelated and about 1 for what is as near as can be."""

    likeness: float
    words: float


class Weights(NamedTuple):
    """`margin` is the weight of the difference to the best other hit: a passage that stands out is more often right."""

    bias: float
    likeness: float
    words: float
    margin: float

    def strength(self, signals: Signals) -> float:
        """What hits are ordered by."""
        return self.likeness * signals.likeness + self.words * signals.words

    def relevance(self, strength: float, best_other: float) -> float:
        """Of two hits of one search, the stronger one is more relevant, too."""
        return 1 / (1 + exp(-(self.bias + strength + self.margin * (strength - best_other))))


class ModelWeights(NamedTuple):
    """For hits by vectors and words, and by vectors only."""

    hybrid: Weights
    dense: Weights


WORDS_ONLY = Weights(bias=-3.72, likeness=0, words=10.1, margin=0.41)
READ = ModelWeights(
    hybrid=Weights(bias=-3.82, likeness=2.32, words=4.78, margin=0.8),
    dense=Weights(bias=-3.81, likeness=3.3, words=0, margin=1.49),
)
# For questions in a language that the model does not read: its vectors decide only where words do not, so their weight is
# set, not fitted.
UNREAD = ModelWeights(
    hybrid=Weights(bias=-4.16, likeness=0.05, words=11.73, margin=0.39),
    dense=Weights(bias=-3.93, likeness=0.89, words=0, margin=0),
)


def words_signal(bm25: float, words: float, passages: int) -> float:
    """BM25 adds up over the question's words, and a word weighs more among many passages. Divided by the root of the one and
    the logarithm of the other, it is comparable between questions and between collections. `passages` are counted after the
    ranking, and may be none when those that were found have just been removed."""
    return bm25 / (3.6 * sqrt(words) * log(max(1, passages) + 1)) if bm25 else 0.0
