"""Waiting until a tenant's jobs are done: by the running workers, or in this process if there are none."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from uuid import UUID

from celery import current_app
from django.db import connection

from core.isolation.scope import tenant_scope
from core.isolation.time_limits import BULK, time_limits
from core.progress import Progress, no_progress
from jobs.handlers import JobHandler
from jobs.models import LeasedJob
from jobs.worker import work

J = TypeVar("J", bound=LeasedJob)
THREADS = 4
POLL_SECONDS = 0.25
RECHECK_WORKERS_SECONDS = 30.0
STAGE = "drain"


class _Countdown:
    """Reports progress from the number of jobs that are left; the total is the highest number seen."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._most = progress, 0

    def __call__(self, left: int) -> None:
        self._most = max(self._most, left)
        self._progress(STAGE, done=self._most - left, total=self._most)


def workers_are_running() -> bool:
    try:
        return bool(current_app.control.ping(timeout=1.0, limit=1))
    except Exception:  # without Redis no worker is notified
        return False


def wait_until_idle(handler: JobHandler[J], tenant_id: UUID, progress: Progress = no_progress) -> None:
    """Return when none of the tenant's awaited jobs is unfinished."""
    report = _Countdown(progress)
    while unfinished(handler, tenant_id):
        if not workers_are_running():
            return work_in_process(handler, tenant_id, progress)
        deadline = time.monotonic() + RECHECK_WORKERS_SECONDS
        while time.monotonic() < deadline and (left := unfinished(handler, tenant_id)):
            report(left)
            time.sleep(POLL_SECONDS)
    return None


def work_in_process(handler: JobHandler[J], tenant_id: UUID, progress: Progress = no_progress) -> None:
    """As `wait_until_idle`, but the work is done in threads of this process."""
    report = _Countdown(progress)

    def drain() -> None:
        try:
            with time_limits(BULK):
                while (claimed := work(handler, tenant_id)) or unfinished(handler, tenant_id):
                    if not claimed:
                        time.sleep(POLL_SECONDS)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS, thread_name_prefix="drain") as pool:
        threads = [pool.submit(drain) for _ in range(THREADS)]
        while not all(thread.done() for thread in threads):
            report(unfinished(handler, tenant_id))
            time.sleep(POLL_SECONDS)
        for thread in threads:
            thread.result()


def unfinished(handler: JobHandler[J], tenant_id: UUID) -> int:
    with tenant_scope(tenant_id):
        return handler.awaited().unfinished().count()
