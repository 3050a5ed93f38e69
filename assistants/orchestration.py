"""How a teammate chooses among its assistants: the schema of `teammates.orchestration_config`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

from core.name_fields import as_uuid

STRATEGIES = ("single", "round_robin", "best_match")


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "strategy": {"type": "string", "enum": [*STRATEGIES]},
        "assistants": {"type": "array", "items": {"type": "string", "format": "uuid"}},
        "fallback_assistant": {"type": ["string", "null"], "format": "uuid"},
        "model": {"type": ["string", "null"]},
    },
    "required": ["strategy"],
    "additionalProperties": False,
}


def validate_orchestration(config: Any) -> None:
    """Raises ValidationError for the first error. Whether the assistants exist, the teammate checks when it is saved."""
    if not isinstance(config, dict):
        raise ValidationError("Orchestration must be a JSON object.")
    if unknown := sorted(set(config) - set(SCHEMA["properties"])):
        raise ValidationError(
            f"Unknown key '{unknown[0]}'. Known are: {', '.join(sorted(SCHEMA['properties']))}."
        )
    if config.get("strategy") not in STRATEGIES:
        raise ValidationError(f"'strategy' must be one of: {', '.join(STRATEGIES)}.")
    if not isinstance(config.get("assistants", []), list):
        raise ValidationError("'assistants' must be a list of assistant ids.")
    if not isinstance(config.get("model"), str | None):
        raise ValidationError("'model' must be a text or null.")
    assistant_ids(config)


def assistant_ids(config: dict[str, Any]) -> list[UUID]:
    """Raises ValidationError for what is no id."""
    fallback = config.get("fallback_assistant")
    named = [*config.get("assistants", []), *([] if fallback is None else [fallback])]
    ids = [as_uuid(str(one)) for one in named]
    if None in ids:
        raise ValidationError(f"'{named[ids.index(None)]}' is not an assistant's id.")
    return list(filter(None, ids))
