"""The configuration of each kind of trigger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.json_schema import problems
from workflows.expressions import Known, check
from workflows.models.triggers import TriggerKind
from workflows.steps.base import EXPRESSION, REFERS
from workflows.triggers.schedules import cron_problem

_NAMES = {
    "type": "array",
    "minItems": 1,
    "maxItems": 100,
    "items": {"type": "string", "minLength": 1, "maxLength": 255},
}


def _ids_of(model: str) -> Mapping[str, Any]:
    return {**_NAMES, "items": {"type": "string", "format": "uuid", REFERS: model}}


def _some_of(*values: str) -> Mapping[str, Any]:
    return {**_NAMES, "items": {"enum": [*values]}}


def _config(facts: str, required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """`facts` says what an expression can name as `input`."""
    mapping = {
        "type": "string",
        "minLength": 1,
        "maxLength": 2000,
        EXPRESSION: True,
        "title": "The input of the run",
        "x-help": f"A CEL expression over what has happened: {facts}. Without one, just that is the input.",
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": {**properties, "input": mapping},
    }


SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    TriggerKind.SCHEDULE: _config(
        "input.tick",
        ("cron", "timezone"),
        cron={
            "type": "string",
            "minLength": 1,
            "maxLength": 100,
            "title": "When",
            "x-help": "Five fields of cron: minute, hour, day of the month, month, day of the week. "
            "0 8 * * 1 is each Monday at 8:00, */15 * * * * every quarter of an hour.",
        },
        timezone={
            "type": "string",
            "format": "timezone",
            "title": "Time zone",
            "x-help": "Such as Europe/Berlin.",
        },
        missed={
            "enum": ["run_once", "skip"],
            "title": "Ticks that were missed, as OYL did not run (run_once)",
        },
        overlap={"type": "boolean", "title": "A run may begin before the last one has ended (yes)"},
    ),
    TriggerKind.WEBHOOK: _config(
        "input.body",
        signed={
            "type": "boolean",
            "title": "Requests must be signed, as Standard Webhooks describes it (no)",
        },
    ),
    TriggerKind.DOCUMENT: _config(
        "input.event, input.document, input.filename, input.mime_type, input.reference, input.tags, input.error_code, "
        "input.run",
        ("events",),
        events={**_some_of("done", "error", "tagged", "deleted"), "title": "When a document is"},
        references={**_ids_of("knowledge.Reference"), "title": "Only documents of these references"},
        tags={**_NAMES, "title": "Only documents that have one of these tags", "x-help": "One a line."},
        mime_types={
            **_NAMES,
            "title": "Only documents of these types",
            "x-help": "One a line, such as application/pdf.",
        },
    ),
    TriggerKind.FEEDBACK: _config(
        "input.rating, input.reason, input.comment, input.question, input.answer, input.assistant, input.message",
        ratings={**_some_of("up", "down"), "title": "Only these ratings"},
        assistants={**_ids_of("assistants.Assistant"), "title": "Only answers of these assistants"},
    ),
}  # fmt: skip
PURPOSES: Mapping[str, str] = {
    TriggerKind.SCHEDULE: "At times that you give, such as each Monday at 8:00.",
    TriggerKind.WEBHOOK: "When another service calls an address that only it knows.",
    TriggerKind.DOCUMENT: "When a document is read, could not be read, is tagged or deleted.",
    TriggerKind.FEEDBACK: "When somebody says that an answer is good or bad.",
}


def config_problems(kind: str, config: Any) -> list[str]:
    """A sentence for each problem in the configuration of a trigger of this kind."""
    if kind not in SCHEMAS:
        return []
    if found := problems(SCHEMAS[kind], config):
        return found
    found = [f"'input': {one}" for one in check(config.get("input", "{}"), Known(steps=frozenset()))]
    if kind == TriggerKind.SCHEDULE and (problem := cron_problem(config["cron"], config["timezone"])):
        found.append(problem)
    return found
