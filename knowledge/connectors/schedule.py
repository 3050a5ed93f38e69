"""When connectors run: the next run is a queued job that becomes due at its time, with jitter, so that connectors that were
made at the same time do not run at the same time for ever."""

from __future__ import annotations

import random
from datetime import timedelta
from functools import partial

from django.db import transaction

from jobs.querysets import from_now
from jobs.queue import notify_workers
from jobs.states import JobState
from knowledge.models import Connector, ConnectorRun, RunStage
from knowledge.queueing import QUEUE

JITTER = 0.1


def plan_next_run(connector: Connector) -> None:
    """Inside a scope, when no run is unfinished: queue the next one, if there is a schedule."""
    if connector.every_minutes:
        seconds = connector.every_minutes * 60 * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
        due = from_now(timedelta(seconds=seconds))
        ConnectorRun.objects.create(connector=connector, available_at=due)


def plan_again(connector: Connector) -> None:
    """Inside a scope: after the schedule has changed."""
    waiting = ConnectorRun.objects.unfinished().filter(connector=connector, state=JobState.QUEUED, attempt=0)
    waiting.delete_rows()
    if not ConnectorRun.objects.unfinished().filter(connector=connector).exists():
        plan_next_run(connector)


def run_now(connector: Connector) -> ConnectorRun:
    """Inside a scope: the run that is under way, or the next one, which is due at once."""
    rows = ConnectorRun.objects.unfinished().filter(connector=connector)
    run: ConnectorRun | None = rows.select_for_update(no_key=True).first()
    if run is None:
        run = ConnectorRun.objects.create(connector=connector)
    elif run.state == JobState.QUEUED:
        rows.queue_again(timedelta(0))
    transaction.on_commit(partial(notify_workers, QUEUE))
    return run


def go_on(run: ConnectorRun) -> None:
    """Inside a scope: let a run that asks remove what has gone."""
    ConnectorRun.objects.filter(pk=run.pk).queue_again(timedelta(0), stage=RunStage.PRUNE)
    transaction.on_commit(partial(notify_workers, QUEUE))
