"""Two ways on, by an expression."""

from __future__ import annotations

from workflows.models import StepType
from workflows.steps.base import (
    Jump,
    Outcome,
    Step,
    StepContext,
    StepError,
    expression,
    object_schema,
    step_key,
)


class Condition(Step):
    type = StepType.CONDITION
    purpose = "Go on with one step or another, as an expression is true or false."
    config_schema = object_schema(
        ("if",),
        **{
            "if": expression("The condition"),
            "then": step_key("The step that follows if it is true; without one, the next"),
            "else": step_key("The step that follows if it is false; without one, the next"),
        },
    )
    output_schema = {"type": "boolean", "title": "Whether the condition is true"}

    def run(self, context: StepContext) -> Outcome:
        answer = context.config["if"]
        if not isinstance(answer, bool):
            raise StepError("no_boolean", value=repr(answer)[:100])
        return Jump(to=context.config.get("then" if answer else "else", ""), output=answer)
