"""What the types of steps that start runs share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from workflows.steps.base import ChildResult, StepError, expression

AT_ONCE = {"type": "integer", "minimum": 1, "maximum": 100, "title": "How many runs at once"}
INPUT = {
    "type": "object",
    "maxProperties": 100,
    "title": "The input of the run: values by their names",
    "additionalProperties": expression("A value"),
}


def without_failures(results: Iterable[ChildResult]) -> Iterator[ChildResult]:
    """The results. Raises StepError at the first one that is a failure."""
    for number, result in enumerate(results, 1):
        if result.error_code:
            reason = result.error_detail or result.error_code
            raise StepError("child_failed", number=number, reason=reason[:1000])
        yield result
