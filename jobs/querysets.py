"""Conditional updates of many jobs at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import UUID

from django.db.models import DateTimeField, ExpressionWrapper, F, Manager, Q, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce, Now

from core.querysets import TenantManager, TenantQuerySet
from jobs.states import UNFINISHED, JobState

if TYPE_CHECKING:
    from jobs.models import LeasedJob

J = TypeVar("J", bound="LeasedJob", covariant=True)  # noqa: PLC0105 (as Django's own is named)
LEASE = timedelta(seconds=45)


def from_now(delta: timedelta) -> ExpressionWrapper[CombinedExpression]:
    """A time by the database's clock, which all workers share."""
    return ExpressionWrapper(Now() + Value(delta), output_field=DateTimeField())


class JobQuerySet(TenantQuerySet[J]):  # type: ignore[override, unused-ignore]  # the plugin types `as_manager` by class
    def unfinished(self) -> Self:
        return self.filter(state__in=UNFINISHED)

    def due(self) -> Self:
        """The jobs that may be claimed now: queued, waiting, or running with an expired lease. Those in the background come
        last, otherwise the longest due first."""
        return self.unfinished().filter(available_at__lte=Now()).order_by("in_background", "available_at")

    def held(self, jobs: Iterable[LeasedJob]) -> Self:
        """Those of the jobs that the caller still holds: running, with the same fencing token."""
        by_attempt: defaultdict[int, list[UUID]] = defaultdict(list)
        for job in jobs:
            by_attempt[job.attempt].append(job.pk)
        claims = (Q(pk__in=ids, attempt=attempt) for attempt, ids in by_attempt.items())
        return self.filter(reduce(or_, claims, Q(pk=None)), state=JobState.RUNNING)

    def lock(self) -> set[UUID]:
        """Inside a scope: lock these jobs in primary-key order, to avoid deadlocks; returns their ids."""
        return set(self.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))

    def locked(self) -> Self:
        """Lock these jobs in primary-key order and return them: for updating several while others may do so, too."""
        return self.filter(pk__in=self.lock())

    def claim(self, **columns: Any) -> int:
        return self.update(
            state=JobState.RUNNING,
            attempt=F("attempt") + 1,
            available_at=from_now(LEASE),
            heartbeat_at=Now(),
            started_at=Coalesce("started_at", Now()),
            error_code="",
            error_detail="",
            **columns,
        )

    def extend_lease(self, **progress: Any) -> int:
        """Record a heartbeat, with the columns of the progress."""
        return self.update(available_at=from_now(LEASE), heartbeat_at=Now(), **progress)

    def queue_again(self, delay: timedelta, **columns: Any) -> int:
        return self.update(state=JobState.QUEUED, available_at=from_now(delay), **columns)

    def wait(self, delay: timedelta | None, **columns: Any) -> int:
        """For a time; without `delay` until the jobs are queued again."""
        available_at = None if delay is None else from_now(delay)
        return self.update(state=JobState.WAITING, available_at=available_at, **columns)

    def finish(self, state: JobState, **columns: Any) -> int:
        return self.update(state=state, finished_at=Now(), **columns)


UnscopedJobManager = Manager.from_queryset(JobQuerySet)


class JobManager(UnscopedJobManager[J], TenantManager[J]):
    """The jobs of the scope's tenant."""
