"""The base of every table of jobs."""

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
    """One piece of work. A worker claims it by a conditional UPDATE, which increments `attempt`: the fencing token of that
    worker's later writes. `available_at` is when the job may be claimed (again): a claim and each heartbeat set it to the
    end of the lease, a failure to the end of the backoff.

    Jobs that are `in_background` wait until no others of the tenant are due.

    `timings_json` has the seconds that each stage took in the last attempt; jobs that are worked on together share them.
    """

    state = models.CharField(max_length=16, choices=JobState.choices, default=JobState.QUEUED)
    attempt = models.PositiveIntegerField(default=0)
    in_background = models.BooleanField(default=False)
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
    """The constraints of a table of jobs, in addition to those of every tenant table."""
    return [
        one_of(table, "state", JobState),
        models.CheckConstraint(
            condition=Q(available_at__isnull=False) | ~Q(state__in=[JobState.QUEUED, JobState.RUNNING]),
            name=f"{table}_available_at_given",
        ),
    ]


def job_indexes(table: str) -> list[models.Index]:
    """The indexes for finding due jobs. Running jobs have one of their own, to find expired leases among millions of queued
    jobs."""
    return [
        NamedIndex(fields=["tenant", "-created_at"], name=f"idx_{table}_tenant_created"),
        NamedIndex(
            fields=["tenant", "in_background", "available_at"],
            condition=Q(state__in=UNFINISHED),
            name=f"idx_{table}_unfinished",
        ),
        NamedIndex(
            fields=["tenant", "available_at"],
            condition=Q(state=JobState.RUNNING),
            name=f"idx_{table}_running",
        ),
    ]
