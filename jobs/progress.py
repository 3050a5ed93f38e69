"""The heartbeat of claimed jobs: their lease is extended in the background while they are worked on."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import connection

from core.isolation.scope import tenant_scope
from jobs.errors import LeaseLostError
from jobs.models import LeasedJob

if TYPE_CHECKING:
    from jobs.handlers import JobHandler

logger = logging.getLogger(__name__)
HEARTBEAT_SECONDS = 10.0
# Progress is stored at most this often.
REPORT_SECONDS = 0.5
# A stage that reports nothing for this long is assumed to hang.
SILENCE_SECONDS = 1800.0


class JobProgress:
    """The progress of jobs that are worked on together: measures the time of each stage, and stores the progress."""

    def __init__(self, handler: JobHandler[Any], tenant_id: UUID, jobs: Sequence[LeasedJob]) -> None:
        self._handler, self._tenant_id, self._jobs = handler, tenant_id, jobs
        self._held = {job.pk for job in jobs}
        self._stage, self._stage_began = "", time.monotonic()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._report_due = time.monotonic() + REPORT_SECONDS
        self.deadline = time.monotonic() + SILENCE_SECONDS

    def __call__(self, stage: str, *, done: int = 0, total: int = 0) -> None:
        """Raises LeaseLostError when none of the jobs is held any more; this is checked whenever progress is stored."""
        now = time.monotonic()
        self._measure(stage, now)
        self.deadline = math.inf if stage in self._handler.unbounded_stages else now + SILENCE_SECONDS
        if now >= self._report_due:
            self._report_due = now + REPORT_SECONDS
            columns = self._handler.progress_columns(stage, done, total)
            with tenant_scope(self._tenant_id):
                rows = self._handler.model.objects
                self._held = rows.held(self._jobs).lock()
                if self._jobs and not self._held:
                    raise LeaseLostError
                rows.filter(pk__in=self._held).extend_lease(**columns, timings_json=self.timings())

    def holds(self, job: LeasedJob) -> bool:
        """Whether this worker still held the job when progress was last stored."""
        return job.pk in self._held

    def timings(self) -> dict[str, float]:
        """Seconds per stage so far, in the order in which the stages began."""
        self._measure(self._stage, time.monotonic())
        return {stage: round(seconds, 3) for stage, seconds in self._seconds.items()}

    def _measure(self, stage: str, now: float) -> None:
        if self._stage:
            self._seconds[self._stage] += now - self._stage_began
        self._stage, self._stage_began = stage, now


@contextmanager
def heartbeat(handler: JobHandler[Any], tenant_id: UUID, jobs: Sequence[LeasedJob]) -> Iterator[JobProgress]:
    """Extend the jobs' leases while the block runs and reports progress; a block that hangs loses them."""
    progress, stop = JobProgress(handler, tenant_id, jobs), threading.Event()
    thread = threading.Thread(
        target=_extend_leases,
        args=(handler, tenant_id, jobs, progress, stop.wait),
        name="heartbeat",
        daemon=True,
    )
    thread.start()
    try:
        yield progress
    finally:
        stop.set()
        thread.join()


def _extend_leases(
    handler: JobHandler[Any],
    tenant_id: UUID,
    jobs: Sequence[LeasedJob],
    progress: JobProgress,
    stopped: Callable[[float], bool],
) -> None:
    while not stopped(HEARTBEAT_SECONDS) and time.monotonic() < progress.deadline:
        try:
            with tenant_scope(tenant_id):
                handler.model.objects.held(jobs).locked().extend_lease()
        except DatabaseError as error:
            logger.warning("no heartbeat, the database does not answer: %s", error)
        finally:
            connection.close()
