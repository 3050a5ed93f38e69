"""The work of one claim of a run: its steps one after another, until it waits, fails, ends, or another run's turn comes."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Max
from django.db.models.functions import Now
from django.utils import timezone

from core.isolation.scope import tenant_scope
from core.json_schema import problems
from jobs.errors import LeaseLostError
from jobs.handlers import JobHandler
from jobs.progress import JobProgress
from jobs.queue import MAX_DETAIL_LENGTH, lock_held
from jobs.states import JobState
from workflows.definition import JSON, StepDefinition, definition_of
from workflows.engine import children, family, waiting
from workflows.engine.advancing import advance
from workflows.engine.ending import end_run
from workflows.engine.memory import Memory
from workflows.engine.outputs import is_file, shown
from workflows.engine.performing import deadline_of, kind_of, perform
from workflows.engine.waking import notify_after_commit
from workflows.models import StepRun, WorkflowRun
from workflows.steps.base import Children, Finish, Jump, Outcome, StepError, Wait, Waited

# After so many seconds a run lets others have their turn.
TURN_SECONDS = 5.0


class Execution:
    """`_row` is the step under way, None when the worker is done with the run. Each transaction that changes the run or its
    steps first makes sure that this worker still holds the run."""

    def __init__(self, handler: JobHandler[WorkflowRun], run: WorkflowRun, progress: JobProgress) -> None:
        self._handler, self._run, self._progress = handler, run, progress
        self._tenant_id = UUID(str(run.tenant_id))
        self._memory = Memory(run)
        self._turn_ends = time.monotonic() + TURN_SECONDS
        self._was_running = False
        self._waited: Waited | None = None
        self._visits: dict[str, int] = {}
        self._row: StepRun | None = None

    def go_on(self) -> None:
        """Raises LeaseLostError."""
        self._load()
        while self._row:
            self._follow(self._row, self._result(self._row))

    @property
    def _step(self) -> StepDefinition:
        step = self._definition.step(self._run.step_key)
        assert step  # publishing checks the keys
        return step

    def _load(self) -> None:
        """The step at which the run is: one that is to begin, that was interrupted, or that waits."""
        with tenant_scope(self._tenant_id):
            self._hold()
            if self._run.workflow.deleted_at:
                family.cancel(self._run, "workflow_deleted")
                return
            self._definition = definition_of(self._run.version_id)
            self._row = row = waiting.step_of(self._run)
            self._visits = {row.key: row.iteration}
            if row.number > 1:
                keys = self._run.step_runs.values_list("key")
                self._visits = dict(keys.annotate(visits=Max("iteration")).order_by())
            self._was_running = row.state == JobState.RUNNING
            if row.state == JobState.WAITING:
                self._waited = waiting.ended(row, self._step)
                if self._waited is None:
                    self._wait_on(row)
            elif row.state == JobState.QUEUED:
                self._begin(row)
            elif self._was_running:
                StepRun.objects.filter(pk=row.pk).update(was_interrupted=True)

    def _begin(self, row: StepRun) -> None:
        row.state, row.tries, row.started_at = JobState.RUNNING, row.tries + 1, timezone.now()
        row.save(update_fields=["state", "tries", "started_at"])
        if row.children_total is not None:  # the step is tried again: the runs of it that have failed are
            self._await_children(row, row.children_at_once)

    def _result(self, row: StepRun) -> Outcome | StepError:
        step = self._step
        deadline = deadline_of(step, row)
        if self._waited:  # what a step does after it has waited has a time of its own
            deadline = timezone.now() + timedelta(seconds=settings.WORKFLOW_STEP_SECONDS)
        self._progress.deadline = time.monotonic() + max(0.0, (deadline - timezone.now()).total_seconds())
        try:
            self._check(row, step)
            outcome = perform(self._run, step, row, self._memory, waited=self._waited, deadline=deadline)
            if timezone.now() > deadline and self._waited is None:
                raise waiting.timeout_of(step)
        except StepError as error:
            return error
        finally:
            self._waited, self._was_running = None, False
        return outcome

    def _check(self, row: StepRun, step: StepDefinition) -> None:
        """Raises StepError."""
        if row.number > settings.WORKFLOW_STEPS:
            raise StepError("too_many_steps", limit=settings.WORKFLOW_STEPS)
        if self._was_running and kind_of(step).touches_outside:
            raise StepError("step_interrupted")
        if self._was_running and deadline_of(step, row) < timezone.now():
            raise waiting.timeout_of(step)
        if self._waited and self._waited.timed_out and waiting.is_at_timeout(row, step):
            raise waiting.timeout_of(step)
        is_unchecked = row.number == 1 and self._run.parent_id and self._waited is None
        if is_unchecked and (found := problems(self._definition.input_schema, self._run.input_json)):
            raise StepError("input_invalid", reason=" ".join(found))

    def _follow(self, row: StepRun, result: Outcome | StepError) -> None:
        following = self._definition.after(row.key)
        if isinstance(result, StepError):
            self._fail(row, result)
        elif isinstance(result, Wait):
            self._wait(row, result)
        elif isinstance(result, Children):
            self._start_children(row, result)
        elif isinstance(result, Finish):
            self._end(row, result.output)
        elif isinstance(result, Jump):
            to = self._definition.step(result.to) if result.to else following
            self._finish(row, result.output, to, details_json=dict(result.details))
        else:
            self._finish(row, result.value, following, details_json=dict(result.details))

    def _finish(
        self,
        row: StepRun,
        output: JSON,
        following: StepDefinition | None,
        state: JobState = JobState.DONE,
        **columns: Any,
    ) -> None:
        """Store the step's output, and begin the next step in the same transaction."""
        if following is None:
            self._end(row, output, **columns)
            return
        new = StepRun(
            tenant_id=self._tenant_id,
            run=self._run,
            number=row.number + 1,
            key=following.key,
            type_enum=following.type,
            iteration=self._visits.get(following.key, 0) + 1,
        )
        changes = {"state": state, "output_json": output, "input_json": shown(row.input_json), **columns}
        for name, value in changes.items():
            setattr(row, name, value)
        with tenant_scope(self._tenant_id):
            advance(self._run, row, new, is_turn_over=time.monotonic() >= self._turn_ends)
            family.let_go(row)
            if new.state != JobState.RUNNING:
                notify_after_commit()
        self._memory.remember(row.key, output)
        self._visits[new.key] = new.iteration
        self._row = new if new.state == JobState.RUNNING else None

    def _end(self, row: StepRun, output: JSON, **columns: Any) -> None:
        """The run is done, if its output is as the workflow declares it."""
        schema = self._definition.output_schema
        if schema and not is_file(output) and (found := problems(schema, output)):
            self._fail(row, StepError("output_invalid", reason=" ".join(found)))
            return
        with tenant_scope(self._tenant_id):
            self._hold()
            self._close(row, JobState.DONE, output_json=output, **columns)
            end_run(self._run, JobState.DONE, output_json=output)
        self._row = None

    def _fail(self, row: StepRun, error: StepError) -> None:
        """What the step says about its errors."""
        on_error = self._step.on_error
        facts = {"error_code": error.code, "error_detail": error.detail[:MAX_DETAIL_LENGTH]}
        delay = on_error.backoff(row.tries) if error.retry else None
        if delay is not None:
            self._try_again(row, delay, facts)
        elif on_error.then == "continue":
            self._finish(
                row, on_error.output, self._definition.after(row.key), JobState.ERROR, **facts
            )  # fmt: skip
        elif on_error.then == "goto":
            self._finish(row, facts, self._definition.step(on_error.step), JobState.ERROR, **facts)
        else:
            with tenant_scope(self._tenant_id):
                self._hold()
                self._close(row, JobState.ERROR, **facts)
                end_run(self._run, JobState.ERROR, **facts)
            self._row = None

    def _try_again(self, row: StepRun, delay: timedelta, facts: dict[str, str]) -> None:
        with tenant_scope(self._tenant_id):
            self._hold()
            row_again = {
                "waits_until": None,
                "signal": "",
                "answer_json": None,
                "input_json": shown(row.input_json),
            }
            StepRun.objects.filter(pk=row.pk).update(state=JobState.QUEUED, **row_again, **facts)
            own = WorkflowRun.objects.filter(pk=self._run.pk)
            if self._run.paused_at:
                own.wait(None, progress_attempt=self._run.attempt)
            else:
                own.queue_again(delay, progress_attempt=self._run.attempt)
        self._row = None

    def _wait(self, row: StepRun, outcome: Wait) -> None:
        step = self._step
        times = [outcome.until, deadline_of(step, row) if step.timeout_seconds else None]
        row.waits_until = min((time for time in times if time), default=None)
        row.signal = outcome.signal
        with tenant_scope(self._tenant_id):
            self._hold()
            self._wait_on(row, state=JobState.WAITING, input_json=shown(row.input_json))

    def _start_children(self, row: StepRun, outcome: Children) -> None:
        try:
            children.add(self._run, row, outcome.runs, self._hold)
        except StepError as error:
            self._fail(row, error)
            return
        with tenant_scope(self._tenant_id):
            self._hold()
            self._await_children(row, outcome.at_once, input_json=shown(row.input_json))

    def _await_children(self, row: StepRun, at_once: int, **columns: Any) -> None:
        step = self._step
        row.waits_until = deadline_of(step, row) if step.timeout_seconds else None
        family.start_children(row, at_once)
        self._wait_on(row, state=JobState.WAITING, **columns)

    def _wait_on(self, row: StepRun, **columns: Any) -> None:
        """Let go of the run until what the step waits for may have ended."""
        StepRun.objects.filter(pk=row.pk).update(waits_until=row.waits_until, signal=row.signal, **columns)
        due = Now() if waiting.has_ended(row) else row.waits_until
        WorkflowRun.objects.filter(pk=self._run.pk).update(
            state=JobState.WAITING,
            available_at=None if self._run.paused_at else due,
            progress_attempt=self._run.attempt,
        )
        notify_after_commit()
        self._row = None

    def _hold(self) -> None:
        """Inside a scope: lock the run, after its parent. Raises LeaseLostError."""
        if not lock_held(self._handler, [self._run]):
            raise LeaseLostError
        self._run.paused_at = WorkflowRun.objects.values_list("paused_at", flat=True).get(pk=self._run.pk)

    def _close(self, row: StepRun, state: JobState, **columns: Any) -> None:
        """Inside a scope: store the end of the step, and end what it has started and waits for no longer."""
        family.let_go(row)
        StepRun.objects.filter(pk=row.pk).update(
            state=state, input_json=shown(row.input_json), finished_at=Now(), **columns
        )
