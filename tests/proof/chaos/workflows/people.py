"""People who start runs, decide on approvals and send signals over REST, while the web process and the database come and
go."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any, TypeVar
from uuid import UUID

import httpx
from django.db import Error as DatabaseError
from django.db import connection

from core.isolation.scope import tenant_scope
from core.permissions import key_scopes
from jobs.states import UNFINISHED, JobState
from knowledge.models import IngestionJob
from tenants.services.api_keys import create_api_key
from tests.conftest import Person
from tests.proof.chaos.worker import WEB_SOCKET
from tests.proof.chaos.workflows.scenario import INPUTS, is_refused
from workflows.models import Approval, ApprovalState, StepRun, Workflow, WorkflowRun

R = TypeVar("R")
RETRY_SECONDS = 0.2
MADE_BY_KILLS = ("worker_died", "internal_error", "step_interrupted", "child_failed")


class Rest:
    """REST with a key of the person's. A request is sent again until the web process answers it."""

    def __init__(self, person: Person, folder: Path) -> None:
        key = create_api_key(actor=person.actor, name="People", scopes=key_scopes()).secret
        self._client = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(folder / WEB_SOCKET)),
            base_url="http://127.0.0.1/api/v1/",
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
        )
        self.unanswered = 0

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        while True:
            try:
                response = self._client.post(path, json=body or {}, headers=headers)
                if response.status_code < 500 and "request_under_way" not in response.text:
                    return response
            except httpx.TransportError:
                self.unanswered += 1
            time.sleep(RETRY_SECONDS)


def until_it_works(call: Callable[[], R]) -> R:
    while True:
        try:
            return call()
        except DatabaseError:
            connection.close()
            time.sleep(RETRY_SECONDS)


class People(Thread):
    def __init__(self, person: Person, workflow: Workflow, folder: Path) -> None:
        super().__init__(name="people", daemon=True)
        self.person, self._workflow, self.rest = person, workflow, Rest(person, folder)
        self._stopped, self._signalled = Event(), set[UUID]()
        self.retried = 0

    def begin(self, number: int) -> str:
        """Start a run, exactly once; returns its key."""
        key = f"{self._workflow.pk}-{number}"
        body = {"input": {"n": number % INPUTS, "key": key}}
        response = self.rest.post(f"workflows/{self._workflow.pk}/runs/", body, **{"Idempotency-Key": key})
        assert response.status_code in (200, 201, 202), response.text
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
        """A decision whose response was lost is refused the second time."""
        with tenant_scope(self.person.tenant_id):
            pending = list(Approval.objects.filter(state=ApprovalState.PENDING)[:20])
        for approval in pending:
            n = approval.shown_json
            decision = {"approve": not is_refused(n), "comment": f"about {n}"}
            response = self.rest.post(f"approvals/{approval.pk}/decide/", decision)
            assert response.status_code in (200, 409), response.text

    def _signal(self) -> None:
        with tenant_scope(self.person.tenant_id):
            waiting = StepRun.objects.filter(state=JobState.WAITING, signal="go", answer_json__isnull=True)
            ids = set(waiting.exclude(run__in=self._signalled).values_list("run", flat=True)[:20])
            runs = list(WorkflowRun.objects.filter(pk__in=ids))
        for run in runs:
            signal = {"name": "go", "payload": {"n": run.input_json["n"]}}
            response = self.rest.post(f"workflow-runs/{run.pk}/signal/", signal)
            assert response.status_code in (200, 201, 202, 204, 409), response.text
            self._signalled.add(run.pk)

    def _retry(self) -> None:
        """Retry the runs that have ended in error because their workers were killed again and again, as a person would."""
        with tenant_scope(self.person.tenant_id):
            failed = WorkflowRun.objects.filter(parent=None, state=JobState.ERROR)
            runs = list(failed.filter(error_code__in=MADE_BY_KILLS)[:20])
        for run in runs:
            self.rest.post(f"workflow-runs/{run.pk}/retry/")
            self.retried += 1

    def wait_until_done(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not until_it_works(self._unfinished):
                return True
            time.sleep(0.5)
        return False

    def _unfinished(self) -> int:
        with tenant_scope(self.person.tenant_id):
            failed = WorkflowRun.objects.filter(
                parent=None, state=JobState.ERROR, error_code__in=MADE_BY_KILLS
            )
            runs = WorkflowRun.objects.filter(state__in=UNFINISHED).count() + failed.count()
            return runs + IngestionJob.objects.filter(state__in=UNFINISHED).count()
