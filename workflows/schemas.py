"""JSON Schemas of what people write beside the configurations of steps: the schemas that a workflow declares for its input
and output, and what a step does on an error."""

from __future__ import annotations

from typing import Any

DEEPEST = 5
TYPES = ["string", "integer", "number", "boolean", "object", "array"]
FORMATS = ["date", "date-time", "email", "uri", "uuid", "textarea"]
_LENGTH = {"type": "integer", "minimum": 0, "maximum": 1_000_000}
_LABEL = {"type": "string", "maxLength": 1000}


def _value_schema(levels: int) -> dict[str, Any]:
    """A JSON Schema in the keywords that forms can show, without regular expressions and references."""
    nested = {"items": _value_schema(levels - 1), **_object_keywords(levels)} if levels else {}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["type"],
        "properties": {
            "type": {"enum": TYPES},
            "title": _LABEL,
            "description": _LABEL,
            "default": {},
            "enum": {"type": "array", "minItems": 1, "maxItems": 100},
            "format": {"enum": FORMATS},
            "minLength": _LENGTH,
            "maxLength": _LENGTH,
            "minItems": _LENGTH,
            "maxItems": _LENGTH,
            "minimum": {"type": "number"},
            "maximum": {"type": "number"},
            **nested,
        },
    }


def _object_keywords(levels: int) -> dict[str, Any]:
    return {
        "properties": {"type": "object", "maxProperties": 100, "additionalProperties": _value_schema(levels - 1)},
        "required": {"type": "array", "maxItems": 100, "items": {"type": "string"}},
        "additionalProperties": {"type": "boolean"},
    }  # fmt: skip


# The input or output of a workflow: {} accepts any object.
DECLARED_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"type": {"enum": ["object"]}, "title": _LABEL, "description": _LABEL, **_object_keywords(DEEPEST)},
}  # fmt: skip

# A failed step is tried again `retries` times, first after `wait_seconds`, then after twice that time each; then the run
# fails, continues with `output` as the step's, or goes to another step.
ON_ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "retries": {"type": "integer", "minimum": 0, "maximum": 10},
        "wait_seconds": {"type": "number", "minimum": 0, "maximum": 3600},
        "then": {"enum": ["fail", "continue", "goto"]},
        "output": {},
        "step": {"type": "string", "maxLength": 40, "x-step": True},
    },
}
