"""The error code of a failed job decides whether, how often and after which wait it is retried."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from core.error_codes import ERROR_CODES
from core.isolation.scope import tenant_scope
from core.retry_policies import RetryPolicy
from jobs.queue import fail
from jobs.states import JobState
from knowledge.models import IngestionJob
from tests.conftest import Person
from tests.knowledge.interruptions import end_leases
from tests.knowledge.libraries import BEES, Library, claim, ingestion, make_library

RETRIED = sorted(code for code, row in ERROR_CODES.items() if row.retry)
FINAL = sorted(code for code, row in ERROR_CODES.items() if not row.retry)


@pytest.fixture
def library(owner: Person, tmp_path: Path) -> Library:
    return make_library(owner, tmp_path / "own")


def claimed(library: Library, attempt: int) -> IngestionJob:
    """A claimed job at this attempt."""
    library.queue(library.upload("bees.md", BEES))
    with tenant_scope(library.tenant_id):
        IngestionJob.objects.all().update(attempt=attempt - 1)
    (job,) = claim(library.tenant_id)
    return job


def fail_with(library: Library, job: IngestionJob, retry: RetryPolicy | None) -> IngestionJob:
    with tenant_scope(library.tenant_id):
        fail(ingestion(), job, "internal_error", "It failed.", retry)
        failed: IngestionJob = IngestionJob.objects.get(pk=job.pk)
        return failed


def test_job_without_retry_ends_in_error(library: Library):
    job = fail_with(library, claimed(library, attempt=1), None)
    assert (job.state, job.error_code) == (JobState.ERROR, "internal_error")
    assert job.finished_at


@pytest.mark.parametrize("attempt", [1, 2, 3, 4])
def test_job_waits_exponentially_longer(library: Library, attempt: int):
    policy = RetryPolicy(attempts=5, first_seconds=10, factor=3, max_seconds=100, jitter=0.1)
    started = timezone.now()
    job = fail_with(library, claimed(library, attempt), policy)
    expected = min(10 * 3 ** (attempt - 1), 100)
    assert job.state == JobState.QUEUED
    assert job.available_at
    wait = job.available_at - started
    assert timedelta(seconds=0.9 * expected) <= wait <= timedelta(seconds=1.1 * expected + 5)
    assert claim(library.tenant_id) == []


def test_job_ends_when_its_attempts_are_used_up(library: Library):
    job = fail_with(library, claimed(library, attempt=3), RetryPolicy(attempts=3))
    assert job.state == JobState.ERROR


def test_worker_that_lost_its_lease_changes_nothing(library: Library):
    job = claimed(library, attempt=1)
    with tenant_scope(library.tenant_id):
        IngestionJob.objects.filter(pk=job.pk).update(attempt=2)
    assert fail_with(library, job, None).state == JobState.RUNNING


def test_table_has_both_kinds_of_codes():
    assert len(RETRIED) > 5
    assert len(FINAL) > 20
    assert {"empty_file", "password_protected"} <= set(FINAL)
    assert {"vector_store_unavailable", "internal_error"} <= set(RETRIED)


def test_job_is_claimed_as_often_as_its_error_code_allows(library: Library):
    policy, attempts = RetryPolicy(attempts=7, first_seconds=0), []
    library.queue(library.upload("bees.md", BEES))
    while batch := claim(library.tenant_id):
        (job,) = batch
        attempts.append(job.attempt)
        job = fail_with(library, job, policy)
    assert attempts == [1, 2, 3, 4, 5, 6, 7]
    assert (job.state, job.error_code) == (JobState.ERROR, "internal_error")


def test_job_whose_workers_die_ends_after_its_last_attempt(library: Library):
    library.queue(library.upload("bees.md", BEES))
    attempts = []
    while batch := claim(library.tenant_id):
        attempts += [job.attempt for job in batch]
        end_leases(library)
    assert attempts == [1, 2, 3, 4, 5]
    with tenant_scope(library.tenant_id):
        assert IngestionJob.objects.get().error_code == "worker_died"
