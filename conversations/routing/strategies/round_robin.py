"""One after another, each as often as its weight says."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm

from assistants.orchestration import Orchestration
from conversations.answering.values import Turn
from conversations.routing.values import Choice, Measured, nobody

# The turns repeat after so many at most: weights are exact to a thousandth of their sum.
LONGEST_CYCLE = 1000


def choose(config: Orchestration, question: str, history: Sequence[Turn], measured: Measured) -> Choice:
    weights = [config.weights.get(one.id, 1.0) for one in measured.candidates]
    shares = shares_of(weights)
    if not sum(shares):
        return nobody("All weights are 0.")
    number = measured.turn % sum(shares)
    chosen = measured.candidates[_at(number, shares)]
    return Choice(
        assistants=(chosen.id,),
        reason=f"It is the turn of '{chosen.name}': turn {number + 1} of {sum(shares)}.",
        scores={one.id: share / sum(shares) for one, share in zip(measured.candidates, shares, strict=True)},
    )


def shares_of(weights: Sequence[float]) -> list[int]:
    """How many of the turns of a cycle each has, in the ratio of the weights."""
    most = Fraction(str(max(weights))) or 1
    exact = [(Fraction(str(weight)) / most).limit_denominator(LONGEST_CYCLE) for weight in weights]
    factor = lcm(*(one.denominator for one in exact))
    whole = [int(one * factor) for one in exact]
    whole = [one // (gcd(*whole) or 1) for one in whole]
    total = sum(whole)
    if total <= LONGEST_CYCLE:
        return whole
    return [round(LONGEST_CYCLE * one / total) for one in whole]


def _at(number: int, shares: Sequence[int]) -> int:
    """Whose the turn of this number is, if each turn goes to the one that is furthest behind its share."""
    behind = [0] * len(shares)
    for _ in range(number + 1):
        behind = [credit + share for credit, share in zip(behind, shares, strict=True)]
        chosen = max(range(len(shares)), key=lambda one: (behind[one], -one))
        behind[chosen] -= sum(shares)
    return chosen
