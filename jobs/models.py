"""The base of every table of jobs, and their one life cycle."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.isolation.fields import NamedIndex
from core.models import TenantModel, one_of
from jobs.querysets import JobManager
from jobs.states import UNFINISHED, JobState


class LeasedJob(TenantModel):
    """One piece of work. A worker claims it by a conditional UPDATE, which raises `attempt`: the fencing token, without
    which no later write of that worker counts. `available_at` is when it may be claimed (again): a claim moves it to the end
    of the lease, each heartbeat further, a failure to the end of the backoff.

    `timings_json` has the seconds that each stage took in the last attempt; jobs that are worked on together share them.
    """

    state = models.CharField(max_length=16, choices=JobState.choices, default=JobState.QUEUED)
    attempt = models.PositiveIntegerField(default=0)
    available_at = models.DateTimeField(null=True, blank=True, db_default=Now())
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_detail = models.TextField(blank=True)
    timings_json = models.JSONField("seconds per stage", default=dict, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[JobManager[Any]] = JobManager()

    class Meta(TenantModel.Meta):
        abstract = True


def job_constraints(table: str) -> list[Any]:
    """Of a table of jobs, besides those of every tenant's table."""
    return [
        one_of(table, "state", JobState),
        models.CheckConstraint(
            condition=Q(available_at__isnull=False) | ~Q(state__in=[JobState.QUEUED, JobState.RUNNING]),
            name=f"{table}_available_at_given",
        ),
    ]


def job_indexes(table: str) -> list[models.Index]:
    """By which due jobs are found: among millions that wait, those whose workers died have an index of their own."""
    return [
        NamedIndex(fields=["tenant", "-created_at"], name=f"idx_{table}_tenant_created"),
        NamedIndex(
            fields=["tenant", "available_at"],
            condition=Q(state__in=UNFINISHED),
            name=f"idx_{table}_unfinished",
        ),
        NamedIndex(
            fields=["tenant", "available_at"],
            condition=Q(state=JobState.RUNNING),
            name=f"idx_{table}_running",
        ),
    ]
