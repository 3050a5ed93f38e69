"""How events of triggers are worked on: each starts one run, or none if the trigger says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from core.actors import system_actor
from core.errors import OylError
from core.isolation.scope import tenant_scope
from jobs.handlers import JobHandler
from jobs.progress import JobProgress
from jobs.queue import MAX_DETAIL_LENGTH, lock_held
from jobs.states import JobState
from workflows.engine.waking import QUEUE
from workflows.errors import CircleError, TooManyRunsError
from workflows.expressions import evaluate
from workflows.models import StartedBy, Trigger, TriggerEvent, WorkflowRun
from workflows.services.running import start_run
from workflows.triggers.occurrences import ON, plan_next_tick
from workflows.triggers.schedules import GRACE

NO_RUN = "trigger_failed"


class EventHandler(JobHandler[TriggerEvent]):
    model = TriggerEvent
    queue = QUEUE

    def lock_subjects(self, jobs: Sequence[TriggerEvent]) -> None:
        """The trigger, so that no other event of it is worked on or planned meanwhile."""
        triggers = Trigger.with_deleted.filter(pk__in={job.trigger_id for job in jobs})
        list(triggers.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))

    def work(self, tenant_id: UUID, batch: Sequence[TriggerEvent], progress: JobProgress) -> None:
        event = batch[0]
        with tenant_scope(tenant_id):
            config = Trigger.with_deleted.values_list("config_json", flat=True).get(pk=event.trigger_id)
        try:
            given = _input(config, event.payload_json)
            with tenant_scope(tenant_id):
                if lock_held(self, [event]):
                    self._react(event, given)
        except TooManyRunsError as error:
            self._try_later(tenant_id, event, str(error))
        except OylError as error:
            self._end_without_run(tenant_id, event, str(error))

    def progress_columns(self, stage: str, done: int, total: int) -> dict[str, Any]:
        return {}

    def on_failure(self, job: TriggerEvent, code: str, detail: str) -> None:
        """A schedule goes on with its next tick."""
        trigger = Trigger.with_deleted.get(pk=job.trigger_id)
        Trigger.with_deleted.filter(pk=trigger.pk).update(error_detail=detail)
        plan_next_tick(trigger, _tick_of(job))

    def _react(self, event: TriggerEvent, given: Any) -> None:
        trigger = Trigger.objects.filter(ON, pk=event.trigger_id).select_related("workflow").first()
        is_wanted = trigger is not None and _is_wanted(trigger, event)
        run = _start(trigger, event, given) if trigger and is_wanted else None
        TriggerEvent.objects.filter(pk=event.pk).finish(JobState.DONE, run=run)
        if run:
            Trigger.objects.filter(pk=event.trigger_id).update(last_at=Now(), error_detail="")
        if trigger:
            plan_next_tick(trigger, _tick_of(event))

    def _try_later(self, tenant_id: UUID, event: TriggerEvent, detail: str) -> None:
        with tenant_scope(tenant_id):
            if lock_held(self, [event]):
                Trigger.objects.filter(pk=event.trigger_id).update(error_detail=detail)
                TriggerEvent.objects.filter(pk=event.pk).queue_again(GRACE)

    def _end_without_run(self, tenant_id: UUID, event: TriggerEvent, detail: str) -> None:
        with tenant_scope(tenant_id):
            if lock_held(self, [event]):
                facts = {"error_code": NO_RUN, "error_detail": detail[:MAX_DETAIL_LENGTH]}
                TriggerEvent.objects.filter(pk=event.pk).finish(JobState.ERROR, **facts)
                self.on_failure(event, NO_RUN, detail)


def _input(config: dict[str, Any], payload: Any) -> Any:
    """Raises ExpressionError, which is an EngineError."""
    expression = config.get("input")
    return evaluate(expression, {"input": payload, "now": timezone.now()}) if expression else payload


def _tick_of(event: TriggerEvent) -> datetime | None:
    """If it is one of a schedule."""
    tick = event.payload_json.get("tick")
    return datetime.fromisoformat(tick) if tick else None


def _is_wanted(trigger: Trigger, event: TriggerEvent) -> bool:
    """Whether a schedule's tick is to start a run, although it comes late or while the last run is under way."""
    tick = _tick_of(event)
    if tick is None:
        return True
    is_missed = datetime.now(UTC) - tick > GRACE
    if is_missed and trigger.config_json.get("missed") == "skip":
        return False
    may_overlap = trigger.config_json.get("overlap", True)
    return may_overlap or not WorkflowRun.objects.filter(trigger=trigger).unfinished().exists()


def _rounds(event: TriggerEvent) -> int:
    """How many runs have led to the event. Raises CircleError if they are too many."""
    cause = event.payload_json.get("run")
    if not cause:
        return 0
    rounds = 1 + int(WorkflowRun.objects.values_list("rounds", flat=True).get(pk=cause))
    if rounds > settings.WORKFLOW_DEPTH:
        raise CircleError
    return rounds


def _start(trigger: Trigger, event: TriggerEvent, given: Any) -> WorkflowRun:
    return start_run(
        trigger.workflow,
        input=given,
        actor=system_actor(UUID(str(trigger.tenant_id)), "trigger"),
        started_by=StartedBy.TRIGGER,
        trigger=trigger,
        idempotency_key=f"trigger-{event.pk}",
        rounds=_rounds(event),
    )
