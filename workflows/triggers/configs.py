"""The configuration of each kind of trigger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.json_schema import problems
from workflows.expressions import Known, check
from workflows.models.triggers import TriggerKind
from workflows.triggers.schedules import cron_problem

_MAPPING = {
    "input": {
        "type": "string",
        "minLength": 1,
        "maxLength": 2000,
        "title": "The input of the run: a CEL expression in which `input` is what has happened; without it, just that",
    }
}
_NAMES = {
    "type": "array",
    "minItems": 1,
    "maxItems": 100,
    "items": {"type": "string", "minLength": 1, "maxLength": 255},
}
_IDS = {**_NAMES, "items": {"type": "string", "format": "uuid"}}


def _config(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": {**properties, **_MAPPING},
    }


SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    TriggerKind.SCHEDULE: _config(
        ("cron", "timezone"),
        cron={
            "type": "string",
            "minLength": 1,
            "maxLength": 100,
            "title": "When, as cron writes it: minute, hour, day of the month, month, day of the week",
        },
        timezone={"type": "string", "format": "timezone", "title": "The time zone, such as Europe/Berlin"},
        missed={"enum": ["run_once", "skip"], "title": "What to do with ticks that were missed (run_once)"},
        overlap={"type": "boolean", "title": "Whether a run may begin before the last one has ended (true)"},
    ),
    TriggerKind.WEBHOOK: _config(
        signed={"type": "boolean", "title": "Whether requests must be signed as in Standard Webhooks (false)"},
    ),
    TriggerKind.DOCUMENT: _config(
        ("events",),
        events={
            **_NAMES,
            "items": {"enum": ["done", "error", "tagged", "deleted"]},
            "title": "done, error, tagged, deleted",
        },
        references={**_IDS, "title": "Only documents of these references"},
        tags={**_NAMES, "title": "Only documents that have one of these tags"},
        mime_types={**_NAMES, "title": "Only documents of these types, such as application/pdf"},
    ),
    TriggerKind.FEEDBACK: _config(
        ratings={**_NAMES, "items": {"enum": ["up", "down"]}, "title": "Only these ratings"},
        assistants={**_IDS, "title": "Only answers of these assistants"},
    ),
}  # fmt: skip


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
