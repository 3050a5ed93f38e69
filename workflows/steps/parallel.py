"""Several runs at the same time."""

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


class Parallel(Step):
    type = StepType.PARALLEL
    purpose = "Run several workflows at the same time, and wait for all."
    config_schema = object_schema(
        ("branches",),
        branches={
            "type": "object",
            "minProperties": 1,
            "maxProperties": 20,
            "title": "The branches by their names",
            "additionalProperties": object_schema(
                ("workflow",),
                workflow=refers_to("workflows.Workflow", "The workflow"),
                input=INPUT,
            ),
        },
        on_branch_error={
            "enum": ["fail", "continue"],
            "title": "Whether the step fails when a run has failed",
        },
    )
    output_schema = {
        "type": "object",
        "title": "The output of each run by the name of its branch; null for one that has failed",
    }
    cost = "what the runs cost"

    def run(self, context: StepContext) -> Outcome:
        branches = sorted(context.config["branches"].items())
        if context.waited:
            results = context.waited.children
            if context.config.get("on_branch_error", "fail") == "fail":
                results = without_failures(results)
            names = (name for name, _ in branches)
            return Output({name: result.output for name, result in zip(names, results, strict=True)})
        runs = [ChildRun(UUID(branch["workflow"]), branch.get("input", {})) for _, branch in branches]
        return Children(runs, at_once=len(runs))
