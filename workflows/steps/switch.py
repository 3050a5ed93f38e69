"""Several ways on, by a value."""

from __future__ import annotations

from workflows.models import StepType
from workflows.steps.base import Jump, Outcome, Step, StepContext, expression, object_schema, step_key


class Switch(Step):
    type = StepType.SWITCH
    purpose = "Go on with the step that is given for a value."
    config_schema = object_schema(
        ("value", "cases"),
        value=expression("The value"),
        cases={
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "title": "The cases, of which the first that equals the value counts",
            "items": object_schema(
                ("equals", "step"),
                equals={"type": ["string", "number", "boolean", "null"], "title": "The value"},
                step=step_key("The step that follows"),
            ),
        },
        default=step_key("The step that follows in all other cases; without one, the next"),
    )
    output_schema = {"title": "The value"}

    def run(self, context: StepContext) -> Outcome:
        value = context.config["value"]
        found = (case["step"] for case in context.config["cases"] if _is_same(case["equals"], value))
        return Jump(to=next(found, context.config.get("default", "")), output=value)


def _is_same(one: object, other: object) -> bool:
    """In JSON, true is not 1."""
    return one == other and isinstance(one, bool) is isinstance(other, bool)
