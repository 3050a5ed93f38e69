"""A workspace in which tests run single steps and what they need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

from core.isolation.scope import tenant_scope
from jobs.states import JobState
from tests.conftest import Person
from tests.support.workflows import Studio
from workflows.models import StepType, Workflow, WorkflowRun
from workspaces.models import IntegrationConfig, Workspace

Test = TypeVar("Test", bound=Callable[..., None])


def runs(kind: StepType) -> Callable[[Test], Test]:
    """Marks the test in which this type is run: each type has one."""
    return lambda test: test


@dataclass(frozen=True, slots=True)
class Bench(Studio):
    def workflow(self, *steps: Mapping[str, Any]) -> Workflow:
        """A published one. Steps need no key."""
        return self.published([{"key": f"step_{number}", **step} for number, step in enumerate(steps, 1)])

    def go(self, *steps: Mapping[str, Any], **given: Any) -> WorkflowRun:
        return self.go_on(self.workflow(*steps), **given)

    def go_on(self, workflow: Workflow, **given: Any) -> WorkflowRun:
        """A run with this input, as it is when nothing is due any more."""
        run = self.start(workflow, given)
        self.work()
        return self.reread(run)

    def output(self, step: Mapping[str, Any], **given: Any) -> Any:
        """Of a run of one step."""
        run = self.go({"key": "only", **step}, **given)
        last = self.steps(run)[-1]
        assert run.state == JobState.DONE, (last.error_code, last.error_detail)
        return last.output_json

    def error(self, step: Mapping[str, Any], **given: Any) -> str:
        """The code with which a run of one step fails."""
        run = self.go({"key": "only", **step}, **given)
        assert run.state == JobState.ERROR, self.steps(run)[-1].output_json
        return str(self.steps(run)[-1].error_code)

    def integration(self, kind: str, **config: Any) -> str:
        """Its id."""
        with tenant_scope(self.tenant_id):
            made = IntegrationConfig.objects.create(
                workspace=self.workspace,
                name=f"{kind} {uuid4()}",
                type_enum=kind,
                config_encrypted_json=config,
            )
        return str(made.pk)


def make_bench(person: Person, name: str = "Main") -> Bench:
    with tenant_scope(person.tenant_id):
        workspace, _ = Workspace.objects.get_or_create(name=name)
    return Bench(person, workspace)
