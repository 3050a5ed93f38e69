"""People who start runs, decide on approvals and send signals, while the database comes and goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import TypeVar
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import connection

from core.actors import Actor
from core.isolation.scope import tenant_scope
from jobs.states import UNFINISHED, JobState
from tests.proof.chaos.workflows.scenario import INPUTS, is_refused
from workflows.errors import RunStateError
from workflows.models import Approval, ApprovalState, StartedBy, StepRun, Workflow, WorkflowRun
from workflows.services.approvals import decide
from workflows.services.running import retry_run, signal_run, start_run

R = TypeVar("R")
RETRY_SECONDS = 0.2
MADE_BY_KILLS = ("worker_died", "internal_error", "step_interrupted")


def until_it_works(call: Callable[[], R]) -> R:
    while True:
        try:
            return call()
        except DatabaseError:
            connection.close()
            time.sleep(RETRY_SECONDS)


class People(Thread):
    def __init__(self, actor: Actor, workflow: Workflow) -> None:
        super().__init__(name="people", daemon=True)
        self.actor, self._workflow = actor, workflow
        self._stopped, self._signalled = Event(), set[UUID]()
        self.decided = self.retried = 0
        self.errors: list[str] = []

    def begin(self, number: int) -> str:
        """Start a run, exactly once; returns its key."""
        key = f"{self._workflow.pk}-{number}"
        until_it_works(
            lambda: start_run(
                self._workflow,
                input={"n": number % INPUTS, "key": key},
                actor=self.actor,
                started_by=StartedBy.PERSON,
                idempotency_key=key,
            )
        )
        return key

    def run(self) -> None:
        while not self._stopped.wait(0.1):
            until_it_works(self._decide)
            until_it_works(self._signal)
            until_it_works(self._retry)

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def _decide(self) -> None:
        with tenant_scope(self.actor.tenant_id):
            pending = list(Approval.objects.filter(state=ApprovalState.PENDING)[:20])
        for approval in pending:
            n = approval.shown_json
            try:
                decide(approval, actor=self.actor, approve=not is_refused(n), comment=f"about {n}")
                self.decided += 1
            except RunStateError as error:  # an earlier decision was committed although its answer was lost
                self.errors.append(str(error))

    def _signal(self) -> None:
        with tenant_scope(self.actor.tenant_id):
            waiting = StepRun.objects.filter(state=JobState.WAITING, signal="go", answer_json__isnull=True)
            ids = set(waiting.exclude(run__in=self._signalled).values_list("run", flat=True)[:20])
            runs = list(WorkflowRun.objects.filter(pk__in=ids))
        for run in runs:
            payload = {"n": run.input_json["n"]}
            signal_run(run, name="go", payload=payload, actor=self.actor)
            self._signalled.add(run.pk)

    def _retry(self) -> None:
        """Retry the runs that have ended in error because their workers were killed again and again, as a person would."""
        with tenant_scope(self.actor.tenant_id):
            failed = WorkflowRun.objects.filter(parent=None, state=JobState.ERROR)
            runs = list(failed.filter(error_code__in=(*MADE_BY_KILLS, "child_failed"))[:20])
        for run in runs:
            retry_run(run, actor=self.actor)
            self.retried += 1

    def wait_until_done(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not until_it_works(self._unfinished):
                return True
            time.sleep(0.5)
        return False

    def _unfinished(self) -> int:
        with tenant_scope(self.actor.tenant_id):
            failed = WorkflowRun.objects.filter(
                parent=None, state=JobState.ERROR, error_code__in=MADE_BY_KILLS
            )
            return WorkflowRun.objects.filter(state__in=UNFINISHED).count() + failed.count()
