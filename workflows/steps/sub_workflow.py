"""One run of another workflow."""

from __future__ import annotations

from uuid import UUID

from workflows.models import StepType
from workflows.steps.base import (
    Children,
    ChildRun,
    Outcome,
    Output,
    Step,
    StepContext,
    object_schema,
    refers_to,
)
from workflows.steps.child_runs import INPUT, without_failures


class SubWorkflow(Step):
    type = StepType.SUB_WORKFLOW
    purpose = "Run another workflow, and wait for its output."
    config_schema = object_schema(
        ("workflow",), workflow=refers_to("workflows.Workflow", "The workflow"), input=INPUT
    )
    output_schema = {"title": "The output of the run"}
    cost = "what the run costs"

    def run(self, context: StepContext) -> Outcome:
        if context.waited:
            (result,) = without_failures(context.waited.children)
            return Output(result.output)
        return Children([ChildRun(UUID(context.config["workflow"]), context.config.get("input", {}))])
