"""What the expressions of a run can name. Outputs are read when a step mentions them, and kept while the run is worked
on."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.utils import timezone

from core.isolation.scope import tenant_scope
from workflows.definition import JSON
from workflows.models import StepRun, WorkflowRun


class Memory:
    def __init__(self, run: WorkflowRun) -> None:
        self._run = run
        self._outputs: dict[str, JSON] = {}
        self._has_read: set[str] = set()

    def names(self, steps: Collection[str]) -> dict[str, Any]:
        """Outside of a scope: the values of the names, with the outputs of these steps, so far as they have run."""
        self._read({key for key in steps if key not in self._has_read})
        run = self._run
        return {
            "input": run.input_json,
            "item": run.item_json,
            "steps": {key: {"output": self._outputs[key]} for key in steps if key in self._outputs},
            "run": {
                "id": str(run.pk),
                "number": run.number,
                "started_at": run.created_at.isoformat(),
            },
            "now": timezone.now(),
        }

    def remember(self, key: str, output: JSON) -> None:
        self._has_read.add(key)
        self._outputs[key] = output

    def _read(self, keys: set[str]) -> None:
        if not keys:
            return
        self._has_read |= keys
        with tenant_scope(UUID(str(self._run.tenant_id))):
            ended = StepRun.objects.filter(run=self._run, key__in=keys, finished_at__isnull=False)
            newest = ended.order_by("number").values_list("key", "output_json")
            self._outputs.update(newest)
