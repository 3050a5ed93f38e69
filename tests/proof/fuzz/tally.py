"""What a run of the fuzzer found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from schemathesis.engine import events, from_schema

SERVER_ERROR = "not_a_server_error"
SEQUENCES = "stateful"
ACCEPTED = "negative_data_rejection"


@dataclass(slots=True)
class FuzzResults:
    """`cases` by phase, `answers` by status, `failures` by check."""

    cases: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)

    def run(self, schema: Any) -> list[str]:
        """Adds to it; what was not as it should be: the check, what was sent, and what was wrong with the answer."""
        found: list[str] = []
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                found += self._note(event)
            elif isinstance(event, events.NonFatalError | events.FatalError):
                found.append(f"{getattr(event, 'value', None) or event}")
                self.failures["errors of the fuzzer"] += 1
        return found

    def _note(self, event: Any) -> Iterator[str]:
        record = event.recorder
        self.cases[event.phase.value] += len(record.cases)
        self.answers.update(one.response.status_code for one in record.interactions.values() if one.response)
        for checks in record.checks.values():
            for check in checks:
                if check.failure_info:
                    self.failures[check.name] += 1
                    told = check.failure_info
                    yield f"{check.name}: {told.code_sample}\n{told.failure.message}"
