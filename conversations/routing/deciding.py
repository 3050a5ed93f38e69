"""The choice, from what was measured: whoever goes on in a conversation, then the strategy, then the fallback."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from assistants.orchestration import Orchestration, Strategy
from conversations.answering.values import Turn
from conversations.routing.strategies import STRATEGIES
from conversations.routing.values import Candidate, Choice, Measured


def decide(config: Orchestration, question: str, history: Sequence[Turn], measured: Measured) -> Choice:
    """Pure. It is empty only if there is neither a candidate nor a fallback."""
    cooling = tuple(_cooling(config, one, measured) for one in measured.candidates)
    passed_over = tuple(filter(None, cooling))
    able = tuple(one for one, why in zip(measured.candidates, cooling, strict=True) if not why)
    measured = replace(measured, candidates=able)
    going_on = sticky_candidate(config, measured)
    if going_on:
        choice = Choice(
            assistants=(going_on.id,), reason=f"'{going_on.name}' has answered before in this conversation."
        )
    elif able:
        choice = STRATEGIES[config.strategy].choose(config, question, history, measured)
    else:
        choice = Choice(assistants=(), reason="No assistant of this teammate can answer.")
    return replace(
        choice if choice.assistants else _fallback(config, choice, measured), passed_over=passed_over
    )


def able_candidates(config: Orchestration, measured: Measured) -> tuple[Candidate, ...]:
    """Those that are not passed over for their failures."""
    return tuple(one for one in measured.candidates if not _cooling(config, one, measured))


def sticky_candidate(config: Orchestration, measured: Measured) -> Candidate | None:
    """Whoever goes on in the conversation without a new choice."""
    if not config.is_sticky or config.strategy is Strategy.BROADCAST or measured.last_assistant is None:
        return None
    return next((one for one in measured.candidates if one.id == measured.last_assistant), None)


def _cooling(config: Orchestration, one: Candidate, measured: Measured) -> str:
    """Why the assistant is passed over; "" if it is not."""
    if one.failed_at is None or one.failures < config.cooldown_failures:
        return ""
    seconds = (one.failed_at + timedelta(seconds=config.cooldown_seconds) - measured.now).total_seconds()
    if seconds <= 0:
        return ""
    return (
        f"'{one.name}' has failed {one.failures} times in a row, and is asked again in {seconds:.0f} seconds."
    )


def _fallback(config: Orchestration, choice: Choice, measured: Measured) -> Choice:
    """The fallback, or else the first assistant that can answer. A fallback that has failed is better than no answer."""
    fallback, first = measured.fallback, next(iter(measured.candidates), None)
    is_asked = fallback and not (first and _cooling(config, fallback, measured))
    chosen, how = (fallback, "the fallback") if is_asked else (first, "the first that can answer")
    if chosen is None:
        return choice
    reason = f"{choice.reason} So '{chosen.name}' answers, as {how}."
    return replace(choice, assistants=(chosen.id,), reason=reason)
