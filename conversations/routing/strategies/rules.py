"""The assistant of the first rule that matches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from assistants.orchestration import Hours, Orchestration, Rule
from conversations.answering.values import Turn
from conversations.routing.values import Choice, Measured, Need, nobody
from core.patterns import compile_keyword, compile_regex


def choose(config: Orchestration, question: str, history: Sequence[Turn], measured: Measured) -> Choice:
    """Rules whose assistant cannot answer are passed over."""
    for number, rule in enumerate(config.rules, 1):
        chosen = measured.candidate(rule.assistant)
        reasons = _match(rule, question, measured) if chosen else None
        if chosen and reasons is not None:
            because = ", and ".join(reasons) or "it has no conditions"
            return Choice(assistants=(chosen.id,), reason=f"Rule {number} matches: {because}.")
    problem = measured.problems.get(Need.TAGS, "")
    return nobody(f"No rule matches. {problem}".strip())


def _match(rule: Rule, question: str, measured: Measured) -> list[str] | None:
    """In words what of the rule holds; None if one of its conditions does not."""
    text = question.encode()
    found: list[str] = []
    conditions: list[tuple[object, Callable[[], str]]] = [
        (rule.keywords, lambda: _keyword(rule.keywords, text)),
        (
            rule.regex,
            lambda: "the regular expression matches" if _has(compile_regex(rule.regex), text) else "",
        ),
        (rule.languages, lambda: _language(rule.languages, measured)),
        (rule.tags, lambda: _tag(rule.tags, measured)),
        (
            rule.hours,
            lambda: "it is within its hours" if rule.hours and _is_open(rule.hours, measured.now) else "",
        ),
    ]
    for named, check in conditions:
        if named:
            if not (reason := check()):
                return None
            found.append(reason)
    return found


def _has(pattern: Any, text: bytes) -> bool:
    return pattern.search(text) is not None


def _keyword(keywords: Sequence[str], text: bytes) -> str:
    first = next((one for one in keywords if _has(compile_keyword(one), text)), None)
    return f"the question has '{first}'" if first else ""


def _language(languages: Sequence[str], measured: Measured) -> str:
    return f"its language is '{measured.language}'" if measured.language in languages else ""


def _tag(tags: Sequence[str], measured: Measured) -> str:
    first = next((one for one in tags if one in measured.tags), None)
    return f"the best passages have the tag '{first}'" if first else ""


def _is_open(hours: Hours, now: datetime) -> bool:
    """Hours that end before they start end on the next day."""
    local = now.astimezone(ZoneInfo(hours.timezone))
    today, time = local.weekday(), local.time()
    if hours.start < hours.end:
        return today in hours.days and hours.start <= time < hours.end
    yesterday = (local - timedelta(days=1)).weekday()
    return (today in hours.days and time >= hours.start) or (yesterday in hours.days and time < hours.end)
