"""New values from expressions."""

from __future__ import annotations

from workflows.models import StepType
from workflows.steps.base import Outcome, Output, Step, StepContext, expression, object_schema


class Transform(Step):
    type = StepType.TRANSFORM
    purpose = "Make new values by expressions from the input and the outputs of earlier steps."
    config_schema = object_schema(
        ("values",),
        values={
            "type": "object",
            "maxProperties": 100,
            "title": "The values by their names",
            "additionalProperties": expression("A value"),
        },
    )
    output_schema = {"type": "object", "title": "The values by their names"}

    def run(self, context: StepContext) -> Outcome:
        return Output(context.config["values"])
