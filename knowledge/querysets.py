"""What is asked of many documents or jobs at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, ClassVar, Self, cast
from uuid import UUID

from django.db.models import DateTimeField, ExpressionWrapper, F, Q, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce, Now

from core.querysets import TenantManager, TenantQuerySet

if TYPE_CHECKING:
    from knowledge.models import IngestionJob

LEASE = timedelta(seconds=45)


def from_now(delta: timedelta) -> ExpressionWrapper[CombinedExpression]:
    """A moment by the database's clock, which all workers share."""
    return ExpressionWrapper(Now() + Value(delta), output_field=DateTimeField())


class JobQuerySet(TenantQuerySet["IngestionJob"]):
    UNFINISHED: ClassVar = Q(state__in=("queued", "running"))

    def unfinished(self) -> Self:
        return self.filter(self.UNFINISHED)

    def due(self) -> Self:
        """May be claimed now: waiting, or running with a lease that ended. Longest due first."""
        return self.unfinished().filter(available_at__lte=Now()).order_by("available_at")

    def held(self, jobs: Iterable[IngestionJob]) -> Self:
        """Those of the jobs that the caller still holds: same attempt, still running."""
        held: defaultdict[int, list[UUID]] = defaultdict(list)
        for job in jobs:
            held[job.attempt].append(job.pk)
        claims = (Q(pk__in=ids, attempt=attempt) for attempt, ids in held.items())
        return self.filter(reduce(or_, claims, Q(pk=None)), state="running")

    def lock(self) -> set[UUID]:
        """Inside a scope: lock these jobs in the order of their ids, so that nobody who waits for somebody is waited
        for; the ids."""
        return set(self.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))

    def locked(self) -> Self:
        """For changing several jobs that others may be changing, too."""
        return self.filter(pk__in=self.lock())

    def claim(self, stage: str) -> int:
        return self.update(
            state="running",
            stage=stage,
            attempt=F("attempt") + 1,
            available_at=from_now(LEASE),
            heartbeat_at=Now(),
            started_at=Coalesce("started_at", Now()),
            error_code="",
            error_detail="",
        )

    def extend(self, **progress: object) -> int:
        """A heartbeat, with news of the stage or the counts."""
        return self.update(available_at=from_now(LEASE), heartbeat_at=Now(), **progress)

    def finish(self, state: str, **facts: object) -> int:
        return self.update(state=state, finished_at=Now(), **facts)


class JobManager(TenantManager["IngestionJob"]):
    _queryset_class = JobQuerySet

    def get_queryset(self) -> JobQuerySet:
        return cast(JobQuerySet, super().get_queryset())

    def all(self) -> JobQuerySet:
        return self.get_queryset()
