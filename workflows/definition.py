"""What a run follows: a workflow's steps with its schemas, as frozen values; a version stores them as JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import cached_property, lru_cache
from typing import Any, Self
from uuid import UUID

from core.isolation.scope import current_tenant_id
from core.json_values import json_text
from core.retry_policies import RetryPolicy
from workflows.models import StepType, Workflow, WorkflowStep, WorkflowVersion

JSON = Any
# In an expression of a configuration, which is JSON: its quotes may be escaped.
_MENTIONED = re.compile(r"\bsteps\s*(?:\.\s*|\[\s*\\?[\"'])([a-z][a-z0-9_]*)")
LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class OnError:
    """`workflows.schemas.ON_ERROR_SCHEMA`."""

    retries: int = 0
    wait_seconds: float = 5
    then: str = "fail"
    output: JSON = None
    step: str = ""

    def backoff(self, tries: int) -> timedelta | None:
        """The wait after so many tries have failed; None when there is no further one."""
        if tries > self.retries:
            return None
        policy = RetryPolicy(
            first_seconds=self.wait_seconds, factor=2, max_seconds=LONGEST_WAIT.total_seconds()
        )
        return policy.wait(tries)


@dataclass(frozen=True, kw_only=True)
class StepDefinition:
    key: str
    type: StepType
    assistant_id: UUID | None = None
    instruction: str = ""
    config: Mapping[str, JSON] = field(default_factory=dict)
    on_error: OnError = OnError()
    timeout_seconds: int | None = None

    @classmethod
    def from_json(cls, value: Mapping[str, JSON]) -> Self:
        assistant_id = value.get("assistant_id")
        return cls(
            **{
                **value,
                "type": StepType(value["type"]),
                "assistant_id": UUID(assistant_id) if assistant_id else None,
                "on_error": OnError(**value.get("on_error", {})),
            }
        )

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """The keys of the steps whose outputs its expressions and templates use."""
        return frozenset(_MENTIONED.findall(f"{json_text(self.config)} {self.instruction}"))


@dataclass(frozen=True, kw_only=True)
class Definition:
    steps: Sequence[StepDefinition]
    input_schema: Mapping[str, JSON] = field(default_factory=dict)
    output_schema: Mapping[str, JSON] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Mapping[str, JSON]) -> Self:
        return cls(**{**value, "steps": tuple(map(StepDefinition.from_json, value["steps"]))})

    def as_json(self) -> JSON:
        """What `from_json` reads; without what is empty."""
        steps = [
            {
                name: str(one) if isinstance(one, UUID) else one
                for name, one in asdict(step).items()
                if one not in (None, "", {})
            }
            for step in self.steps
        ]
        return {**asdict(self), "steps": steps}

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {step.key: position for position, step in enumerate(self.steps)}

    def step(self, key: str) -> StepDefinition | None:
        position = self._positions.get(key)
        return None if position is None else self.steps[position]

    def after(self, key: str) -> StepDefinition | None:
        """The step that follows by position; None at the end."""
        return next(iter(self.steps[self._positions[key] + 1 :]), None)


def step_of(row: WorkflowStep) -> StepDefinition:
    return StepDefinition(
        key=row.key,
        type=StepType(row.type_enum),
        assistant_id=row.assistant_id,
        instruction=row.instruction,
        config=row.config_json,
        on_error=OnError(**row.on_error_json),
        timeout_seconds=row.timeout_seconds,
    )


def draft_of(workflow: Workflow) -> Definition:
    """Inside a scope: the workflow as it is edited."""
    return Definition(
        steps=[step_of(row) for row in workflow.steps.order_by("position")],
        input_schema=workflow.input_schema_json,
        output_schema=workflow.output_schema_json,
    )


def definition_of(version_id: UUID) -> Definition:
    """Inside a scope: that of a version, which never changes."""
    return _read(current_tenant_id(), version_id)


@lru_cache(maxsize=64)
def _read(tenant_id: UUID, version_id: UUID) -> Definition:
    return Definition.from_json(WorkflowVersion.objects.get(pk=version_id).definition_json)
