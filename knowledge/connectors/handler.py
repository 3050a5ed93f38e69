"""How runs of connectors are claimed and worked on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.isolation.scope import tenant_scope
from jobs.handlers import JobHandler
from jobs.planning import without_planned
from jobs.progress import JobProgress
from jobs.querysets import JobQuerySet
from jobs.queue import lock_held
from jobs.states import JobState
from knowledge.connectors.schedule import plan_next_run
from knowledge.connectors.sync import Sync
from knowledge.models import Connector, ConnectorRun, RunStage
from knowledge.queueing import QUEUE


class ConnectorHandler(JobHandler[ConnectorRun]):
    model = ConnectorRun
    queue = QUEUE

    def work(self, tenant_id: UUID, batch: Sequence[ConnectorRun], progress: JobProgress) -> None:
        (run,) = batch
        with tenant_scope(tenant_id):
            rows = Connector.objects.select_related("integration", "reference")
            connector = rows.filter(pk=run.connector_id, reference__deleted_at=None).first()
        if connector is None:
            return self._finish(tenant_id, run, None, JobState.CANCELLED)
        sync = Sync(tenant_id, connector, run, progress)
        if run.stage == RunStage.SYNC:
            sync.fetch_changes()
            if gone := sync.gone():
                return self._ask(tenant_id, run, gone, sync.counts())
        removed = run.removed + sync.prune()
        return self._finish(tenant_id, run, connector, JobState.DONE, removed=removed, **sync.counts())

    def progress_columns(self, stage: str, done: int, total: int) -> dict[str, Any]:
        """The stage is the run's cursor, which moves when a part of it is complete."""
        return {}

    def awaited(self) -> JobQuerySet[ConnectorRun]:
        """Not those of a schedule that are not due yet, nor those that ask."""
        return without_planned(ConnectorRun.objects.exclude(state=JobState.WAITING))

    def on_failure(self, job: ConnectorRun, code: str, detail: str) -> None:
        """A schedule goes on with its next run."""
        if connector := Connector.objects.filter(pk=job.connector_id).first():
            plan_next_run(connector)

    def _ask(self, tenant_id: UUID, run: ConnectorRun, gone: int, counts: dict[str, int]) -> None:
        with tenant_scope(tenant_id):
            if lock_held(self, [run]):
                ConnectorRun.objects.filter(pk=run.pk).wait(None, stage=RunStage.ASKING, gone=gone, **counts)

    def _finish(
        self, tenant_id: UUID, run: ConnectorRun, connector: Connector | None, state: JobState, **counts: int
    ) -> None:
        with tenant_scope(tenant_id):
            if lock_held(self, [run]):
                ConnectorRun.objects.filter(pk=run.pk).finish(state, stage=RunStage.PRUNE, **counts)
                if connector:
                    plan_next_run(connector)
