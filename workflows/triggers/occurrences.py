"""Events of triggers, before they are worked on: inside a scope, in the transaction of what has happened."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from core.bulk_sql import insert_instances
from core.database_functions import database_time
from core.isolation.scope import tenant_scope
from core.isolation.tenant_directory import all_tenants
from core.limits import KEPT
from jobs.states import JobState
from workflows.engine.waking import notify_after_commit
from workflows.models import Trigger, TriggerEvent, TriggerKind
from workflows.triggers.schedules import next_tick

KEY_LENGTH = 255
ON = Q(is_enabled=True, workflow__deleted_at=None, workflow__workspace__deleted_at=None)


def add_events(events: Iterable[TriggerEvent]) -> None:
    """Those whose key the trigger knows already are left out."""
    new = list(events)
    insert_instances(new, skip_existing=True)
    if new:
        notify_after_commit()


def new_event(
    trigger: Trigger, key: str, payload: dict[str, Any], at: datetime | None = None
) -> TriggerEvent:
    """To be worked on at a time, or at once by the clock of PostgreSQL."""
    due: Any = at or "now"
    return TriggerEvent(trigger=trigger, key=key[:KEY_LENGTH], payload_json=payload, available_at=due)


def plan_next_tick(trigger: Trigger, last: datetime | None = None) -> None:
    """Let the event of a schedule's next tick wait for it, and no other one. The trigger is locked. The clock is
    PostgreSQL's, by which ticks are claimed: by one that is behind, the tick after the `last` one would be the same."""
    waiting = TriggerEvent.objects.filter(trigger=trigger, state=JobState.QUEUED, attempt=0)
    is_schedule = trigger.kind == TriggerKind.SCHEDULE
    after = max(filter(None, (database_time(), last)))
    tick = next_tick(trigger.config_json, after) if is_schedule and trigger.is_enabled else None
    if is_schedule:
        waiting.delete_rows()
    if tick:
        add_events([new_event(trigger, tick.isoformat(), {"tick": tick.isoformat()}, tick)])
    Trigger.objects.filter(pk=trigger.pk).update(next_at=tick)
    trigger.next_at = tick


def delete_old_events() -> int:
    """Outside of a scope: delete the events of all tenants that have ended longer ago than `KEPT`; returns their number.
    A webhook's message that is sent again after that time starts another run."""
    count = 0
    for tenant_id in all_tenants():
        with tenant_scope(tenant_id):
            before = timezone.now() - KEPT
            old = TriggerEvent.objects.filter(created_at__lt=before, finished_at__lt=before)
            count += old.delete_rows()
    return count
