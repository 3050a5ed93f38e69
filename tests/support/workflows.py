"""A workspace in which tests make and run workflows; this process is the worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from core.isolation.scope import tenant_scope
from jobs.states import JobState
from jobs.worker import work
from tests.conftest import Person
from workflows.engine.handler import RunHandler
from workflows.models import StartedBy, StepRun, Workflow, WorkflowRun, WorkflowStep
from workflows.services.publishing import publish
from workflows.services.running import start_run
from workspaces.models import Workspace

Step = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Studio:
    person: Person
    workspace: Workspace

    @property
    def tenant_id(self) -> UUID:
        return self.person.tenant_id

    def draft(self, steps: list[Step], **fields: Any) -> Workflow:
        """Each step is {"key", "type", "config", …}, as in a version."""
        with tenant_scope(self.tenant_id):
            workflow: Workflow = Workflow.objects.create(
                workspace=self.workspace, name=f"Workflow {uuid4()}", **fields
            )
            for position, step in enumerate(steps, 1):
                WorkflowStep.objects.create(
                    workflow=workflow,
                    position=position,
                    key=step["key"],
                    type_enum=step["type"],
                    assistant_id=step.get("assistant_id"),
                    instruction=step.get("instruction", ""),
                    config_json=step.get("config", {}),
                    on_error_json=step.get("on_error", {}),
                    timeout_seconds=step.get("timeout_seconds"),
                )
        return workflow

    def published(self, steps: list[Step], **fields: Any) -> Workflow:
        workflow = self.draft(steps, **fields)
        publish(workflow, actor=self.person.actor)
        return workflow

    def start(self, workflow: Workflow, input: Any = None, **options: Any) -> WorkflowRun:
        options = {"started_by": StartedBy.PERSON, **options}
        return start_run(workflow, input=input or {}, actor=self.person.actor, **options)

    def run(self, steps: list[Step], input: Any = None) -> WorkflowRun:
        """As it is when nothing is due any more."""
        run = self.start(self.published(steps), input)
        self.work()
        return self.reread(run)

    def work(self) -> int:
        """Work until nothing is due; returns the number of claims."""
        claims = 0
        while self.work_once():
            claims += 1
        return claims

    def work_once(self) -> int:
        return work(RunHandler(), self.tenant_id)

    def reread(self, run: WorkflowRun) -> WorkflowRun:
        with tenant_scope(self.tenant_id):
            found: WorkflowRun = WorkflowRun.objects.select_related("workflow", "version").get(pk=run.pk)
            return found

    def steps(self, run: WorkflowRun) -> list[StepRun]:
        with tenant_scope(self.tenant_id):
            return list(StepRun.objects.filter(run=run.pk).order_by("number"))

    def end_leases(self) -> None:
        with tenant_scope(self.tenant_id):
            running = WorkflowRun.objects.filter(state=JobState.RUNNING)
            running.update(available_at="2020-01-01T00:00Z")

    def end_waits(self) -> None:
        """As if the time had come until which steps wait, or are tried again."""
        long_ago = "2020-01-01T00:00Z"
        with tenant_scope(self.tenant_id):
            StepRun.objects.filter(waits_until__isnull=False, finished_at=None).update(waits_until=long_ago)
            WorkflowRun.objects.unfinished().filter(available_at__isnull=False).update(available_at=long_ago)


def make_studio(person: Person) -> Studio:
    with tenant_scope(person.tenant_id):
        return Studio(person, Workspace.objects.create(name=f"Studio {uuid4()}"))
