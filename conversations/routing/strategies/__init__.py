"""The strategies, each with what it needs to have measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assistants.orchestration import Strategy
from conversations.routing.strategies import broadcast, llm, priority, round_robin, rules, similarity
from conversations.routing.values import Choose, Need


@dataclass(frozen=True, slots=True)
class RoutingStrategy:
    choose: Choose
    needs: frozenset[Need] = frozenset()


STRATEGIES: Mapping[Strategy, RoutingStrategy] = {
    Strategy.ROUND_ROBIN: RoutingStrategy(round_robin.choose, frozenset({Need.TURN})),
    Strategy.PRIORITY: RoutingStrategy(priority.choose),
    Strategy.RULES: RoutingStrategy(rules.choose, frozenset({Need.LANGUAGE, Need.TAGS})),
    Strategy.SIMILARITY: RoutingStrategy(similarity.choose, frozenset({Need.SIMILARITY})),
    Strategy.LLM: RoutingStrategy(llm.choose, frozenset({Need.MODEL})),
    Strategy.BROADCAST: RoutingStrategy(broadcast.choose),
}
