"""When connectors run: by the plan of `jobs.planning`, or because a person or a program asks for it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from django.db import transaction

from jobs import planning
from jobs.queue import notify_workers
from knowledge.models import Connector, ConnectorRun, RunStage
from knowledge.queueing import QUEUE


def plan_next_run(connector: Connector) -> None:
    """Inside a scope, when no run is unfinished: queue the next one, if there is a schedule."""
    planning.plan_next(ConnectorRun(connector=connector), connector.every_minutes)


def plan_again(connector: Connector) -> None:
    """Inside a scope: after the schedule has changed."""
    rows = ConnectorRun.objects.filter(connector=connector)
    planning.plan_again(rows, ConnectorRun(connector=connector), connector.every_minutes)


def run_now(connector: Connector) -> ConnectorRun:
    """Inside a scope: the run that is under way, or the next one, which is due at once."""
    rows = ConnectorRun.objects.filter(connector=connector)
    run: ConnectorRun = planning.run_now(rows, ConnectorRun(connector=connector), QUEUE)
    return run


def go_on(run: ConnectorRun) -> None:
    """Inside a scope: let a run that asks remove what has gone."""
    ConnectorRun.objects.filter(pk=run.pk).queue_again(timedelta(0), stage=RunStage.PRUNE)
    transaction.on_commit(partial(notify_workers, QUEUE))
