"""The results of a run of the fuzzer."""

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
        """Add a run's results; return its failures: the check, the request, and what is wrong with the response."""
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
                    failure = check.failure_info
                    yield f"{check.name}: {failure.code_sample}\n{failure.failure.message}"
