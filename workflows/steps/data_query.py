"""Exact answers from data sources."""

from __future__ import annotations

from dataclasses import replace

from engines.tables.statements import MAX_LENGTH
from workflows.models import StepType
from workflows.steps.base import Outcome, Output, Step, StepContext, expression, object_schema
from workflows.steps.reach import bound_actor
from workspaces.data_sources.querying import LIMITS, query

MAX_ROWS, DEFAULT_ROWS = 10_000, 1_000


class DataQuery(Step):
    type = StepType.DATA_QUERY
    purpose = "Count, sum and look up rows of the workspace's data sources by SQL."
    config_schema = object_schema(
        ("sql",),
        sql={
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_LENGTH,
            "title": "One SELECT; $name stands for a value below",
        },
        values={
            "type": "object",
            "maxProperties": 50,
            "title": "The values by their names",
            "additionalProperties": expression("A text, a number, true, false or null"),
        },
        limit={
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_ROWS,
            "title": "At most so many rows; 1,000 if not given",
        },
    )
    output_schema = object_schema(
        ("rows", "count", "is_cut"),
        rows={"type": "array", "title": "The rows, each an object", "items": {"type": "object"}},
        count={"type": "integer", "title": "The number of these rows"},
        is_cut={"type": "boolean", "title": "Whether there are further rows"},
    )
    cost = "a search of the quota"

    def run(self, context: StepContext) -> Outcome:
        config = context.config
        result = query(
            actor=bound_actor(context),
            workspace_id=context.workspace_id,
            sql=config["sql"],
            values=config.get("values"),
            limits=replace(LIMITS, rows=config.get("limit", DEFAULT_ROWS)),
        )
        rows = result.as_dicts()
        return Output(
            {"rows": rows, "count": len(rows), "is_cut": result.is_cut}, details={"sql": result.sql}
        )
