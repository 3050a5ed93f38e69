"""Waiting for a time or a signal."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from workflows.definition import JSON, Definition, StepDefinition
from workflows.models import StepType
from workflows.steps.base import (
    Outcome,
    Output,
    Step,
    StepContext,
    StepError,
    expression,
    object_schema,
)
from workflows.steps.base import Wait as WaitOutcome

LONGEST_SECONDS = 366 * 24 * 3600


class Wait(Step):
    type = StepType.WAIT
    purpose = "Wait for a time, until a moment, or for a named signal that is sent by the API; the first of them counts."
    config_schema = object_schema(
        seconds={"type": "number", "minimum": 0, "maximum": LONGEST_SECONDS, "title": "For so many seconds"},
        until=expression("Until this moment: a timestamp, or a text such as 2027-01-31T09:00:00Z"),
        signal={"type": "string", "minLength": 1, "maxLength": 100, "title": "For the signal of this name"},
    )
    output_schema = object_schema(
        ("timed_out", "payload"),
        timed_out={"type": "boolean", "title": "Whether the time came before a signal"},
        payload={"title": "What was sent with the signal"},
    )

    def problems(self, step: StepDefinition, definition: Definition) -> list[str]:
        return [] if step.config else ["Say how long to wait: give 'seconds', 'until' or 'signal'."]

    def run(self, context: StepContext) -> Outcome:
        if context.waited:
            return Output({"timed_out": context.waited.timed_out, "payload": context.waited.value})
        config = context.config
        times = [timezone.now() + timedelta(seconds=config["seconds"])] if "seconds" in config else []
        times += [_moment(config["until"])] if "until" in config else []
        return WaitOutcome(until=min(times, default=None), signal=config.get("signal", ""))


def _moment(value: JSON) -> datetime:
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise StepError("no_moment", value=repr(value)[:100])
    return moment if moment.tzinfo else timezone.make_aware(moment)
