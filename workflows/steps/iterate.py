"""A run for each item of a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from workflows.definition import JSON
from workflows.models import StepType
from workflows.steps.base import (
    Children,
    ChildResult,
    ChildRun,
    Outcome,
    Output,
    Step,
    StepContext,
    StepError,
    expression,
    object_schema,
    refers_to,
)
from workflows.steps.child_runs import AT_ONCE, without_failures


class Iterate(Step):
    type = StepType.ITERATE
    purpose = (
        "Run another workflow for each item of a list. An item that is an object is the input of its run; any other is "
        "`item` in the input. Expressions of the run have it as `item`, too."
    )
    config_schema = object_schema(
        ("items", "workflow"),
        items=expression("The list"),
        workflow=refers_to("workflows.Workflow", "The workflow"),
        at_once=AT_ONCE,
        on_item_error={"enum": ["fail", "continue"], "title": "Whether the step fails when a run has failed"},
    )
    output_schema = {
        "type": "array",
        "title": "The output of each run, in order; null for one that has failed",
    }
    cost = "what the runs cost"

    def run(self, context: StepContext) -> Outcome:
        config = context.config
        if context.waited:
            results = context.waited.children
            fails = config.get("on_item_error", "fail") == "fail"
            return Output(_outputs(without_failures(results) if fails else results))
        if not isinstance(config["items"], list):
            raise StepError("no_list", value=repr(config["items"])[:100])
        workflow_id = UUID(config["workflow"])
        runs = [ChildRun(workflow_id, _input(item), item) for item in config["items"]]
        return Children(runs, at_once=config.get("at_once", 1))


def _input(item: JSON) -> JSON:
    return item if isinstance(item, dict) else {"item": item}


def _outputs(results: Iterable[ChildResult]) -> Iterator[JSON]:
    return (result.output for result in results)
