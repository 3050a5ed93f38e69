"""The end of a run."""

from __future__ import annotations

from workflows.models import StepType
from workflows.steps.base import Finish, Outcome, Step, StepContext, expression, object_schema


class End(Step):
    type = StepType.END
    purpose = "End the run with an output."
    config_schema = object_schema(output=expression("The output of the run; without it, the run has none"))
    output_schema = {"title": "The output of the run"}

    def run(self, context: StepContext) -> Outcome:
        return Finish(context.config.get("output"))
