"""Tag rules: keywords and regular expressions, which RE2 evaluates in a time that is linear in the text.

Each search is short, so the product is what counts: rules × passages. Therefore the rules of a document share a budget of
CPU time. When it is used up, the slowest of them are switched off, and the others get a new budget, a few times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from time import thread_time
from typing import Any
from uuid import UUID

from core.patterns import InvalidPatternError, compile_keyword, compile_regex
from knowledge.pipeline.values import VocabularyTag

BUDGET_SECONDS, BUDGETS = 10.0, 3


def compile_rule(kind: str, pattern: str) -> Any:
    """Raise InvalidPatternError. A keyword matches whole words, case-insensitively."""
    return compile_keyword(pattern) if kind == "keyword" else compile_regex(pattern)


class DocumentRules:
    """The rules on the passages of one document. `stopped` has those to be switched off, with the reason."""

    def __init__(self, vocabulary: Sequence[VocabularyTag], filename: str) -> None:
        self.stopped: dict[UUID, str] = {}
        self._filename = filename
        self._words = [
            (word, [(rule.id, self._compiled(rule)) for rule in word.rules]) for word in vocabulary
        ]
        self._seconds: defaultdict[UUID, float] = defaultdict(float)
        self._spent, self._budgets = 0.0, BUDGETS

    def matching(self, text: str) -> list[VocabularyTag]:
        """The tags of which a rule matches the passage."""
        content = text.encode()
        return [word for word, rules in self._words if any(self._matches(*rule, content) for rule in rules)]

    def _compiled(self, rule: Any) -> Any:
        try:
            return compile_rule(rule.kind, rule.pattern)
        except InvalidPatternError as error:
            self.stopped[rule.id] = f"It is not a regular expression that OYL supports: {error}."

    def _matches(self, rule_id: UUID, pattern: Any, content: bytes) -> bool:
        if rule_id in self.stopped:
            return False
        began = thread_time()
        found = pattern.search(content) is not None
        seconds = thread_time() - began
        self._seconds[rule_id] += seconds
        self._spent += seconds
        if self._spent > BUDGET_SECONDS:
            self._stop_slowest()
        return found

    def _stop_slowest(self) -> None:
        """Those that took longer than the average; all of them when no further budget is left."""
        self._budgets -= 1
        average = self._spent / len(self._seconds)
        slow = [rule for rule, seconds in self._seconds.items() if seconds >= average or not self._budgets]
        reason = f"It took too long for “{self._filename[:200]}”. Make it simpler; when it is saved, it is used again."
        self.stopped |= dict.fromkeys(slow, reason)
        self._seconds.clear()
        self._spent = 0.0
