"""What a worker does when it is notified: claim a batch of one tenant's jobs, work on them, and record failures."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from core.error_codes import ERROR_CODES, sentence
from core.errors import EngineError
from core.memory import trim_memory
from core.quotas import QuotaExceededError
from core.retry_policies import DEFAULT_RETRY
from jobs.errors import LeaseLostError
from jobs.handlers import JobHandler, handlers_of
from jobs.models import LeasedJob
from jobs.progress import heartbeat
from jobs.queue import claim, fail_all, notify_workers, tenants_with_due_jobs
from jobs.turns import turns

logger = logging.getLogger(__name__)
J = TypeVar("J", bound=LeasedJob)


def work_for_any_tenant(queue: str) -> int:
    """`work` for one of the tenants that have due jobs in this queue, and whose turn it is."""
    due = tenants_with_due_jobs(handlers_of(queue))
    return next(filter(None, (_take_turn(handler, tenant_id) for handler, tenant_id in due)), 0)


def _take_turn(handler: JobHandler[Any], tenant_id: UUID) -> int:
    """`work`, unless the tenant keeps enough threads of this process busy. The message that is then lost is sent again when
    one of them is free."""
    if not turns().begin(tenant_id):
        return 0
    try:
        return work(handler, tenant_id)
    finally:
        if turns().end(tenant_id):
            notify_workers(handler.queue)


def work(handler: JobHandler[J], tenant_id: UUID) -> int:
    """Claim a batch and process it; returns the number of jobs claimed, 0 when none is due.

    Each claim notifies the next worker before its own work starts: so all workers get busy one after another, and tenants
    take turns.
    """
    batch = claim(handler, tenant_id)
    if batch:
        turns().last = tenant_id
        notify_workers(handler.queue)
        process(handler, tenant_id, batch)
        trim_memory()
    return len(batch)


def process(handler: JobHandler[J], tenant_id: UUID, batch: Sequence[J]) -> None:
    """Work on claimed jobs; failures are recorded with them."""
    with heartbeat(handler, tenant_id, batch) as progress:
        try:
            handler.work(tenant_id, batch, progress)
        except LeaseLostError:
            logger.info("jobs %s are held by another worker", [str(job.pk) for job in batch])
        except (EngineError, QuotaExceededError) as error:
            detail = str(error)
            logger.warning("%s: %s", error.code, detail)
            # Which of several jobs causes the failure shows when each is tried alone.
            retry = ERROR_CODES[error.code].retry or (DEFAULT_RETRY if len(batch) > 1 else None)
            fail_all(handler, tenant_id, batch, error.code, detail, retry=retry)
        except Exception:
            logger.exception("jobs %s failed", [str(job.pk) for job in batch])
            code = "internal_error"
            fail_all(handler, tenant_id, batch, code, sentence(code), retry=ERROR_CODES[code].retry)
