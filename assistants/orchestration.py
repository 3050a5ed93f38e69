"""How a teammate chooses among its assistants: the schema of `teammates.orchestration_config`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

STRATEGIES = ("single", "round_robin", "best_match")
KEYS = {"strategy", "assistants", "fallback_assistant", "model"}


def validate_orchestration(config: Any) -> None:
    """Raises ValidationError for the first error."""
    if not isinstance(config, dict):
        raise ValidationError("Orchestration must be a JSON object.")
    if unknown := sorted(set(config) - KEYS):
        raise ValidationError(f"Unknown key '{unknown[0]}'. Known are: {', '.join(sorted(KEYS))}.")
    if config.get("strategy") not in STRATEGIES:
        raise ValidationError(f"'strategy' must be one of: {', '.join(STRATEGIES)}.")
    assistants = config.get("assistants", [])
    if not isinstance(assistants, list):
        raise ValidationError("'assistants' must be a list of assistant ids.")
    for assistant in [*assistants, *filter(None, [config.get("fallback_assistant")])]:
        try:
            UUID(str(assistant))
        except ValueError:
            raise ValidationError(f"'{assistant}' is not an assistant's id.") from None
