"""What is kept of the runs of background tasks, and who may see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from celery.app.trace import build_tracer
from django.urls import reverse
from django.utils import timezone
from django_celery_results.models import TaskResult

from oyl.celery import app
from tenants.models import User
from tests.conftest import Person, browser

LIST = "admin:django_celery_results_taskresult_changelist"
CHANGE = "admin:django_celery_results_taskresult_change"


@pytest.fixture(autouse=True)
def no_results(database: None) -> Iterator[None]:
    yield
    TaskResult.objects.all().delete()


def run(function: Callable[[], Any], *, ignore_result: bool = False) -> list[TaskResult]:
    """Run a task as a worker does, and return what is kept of it."""
    task = app.task(name=f"tests.{uuid4().hex}", ignore_result=ignore_result)(function)
    task_id = str(uuid4())
    request = {"id": task_id, "task": task.name, "hostname": "worker@here", "ignore_result": ignore_result}
    tracer = build_tracer(task.name, task, app=app)  # type: ignore[arg-type]
    tracer(task_id, [], {}, request)
    return list(TaskResult.objects.filter(task_id=task_id))


def seven() -> int:
    return 7


def zero() -> int:
    return 0


def none() -> None:
    return None


def fail() -> None:
    raise ValueError("the text of a document")


def test_a_message_that_has_expired_leaves_nothing():
    """Whatever has become of the connection of the worker's main thread."""
    app.backend.mark_as_revoked(str(uuid4()), "expired")
    assert not TaskResult.objects.exists()


def test_number_that_a_task_returns_is_kept():
    (kept,) = run(seven)
    assert (kept.status, kept.result, vars(kept)["worker"]) == ("SUCCESS", "7", "worker@here")


@pytest.mark.parametrize("function", [zero, none])
def test_run_without_work_leaves_no_row(function: Callable[[], Any]):
    assert run(function) == []


@pytest.mark.parametrize("ignore_result", [False, True])
def test_failure_keeps_the_class_of_the_exception_only(ignore_result: bool):
    (kept,) = run(fail, ignore_result=ignore_result)
    assert kept.status == "FAILURE"
    assert "ValueError" in kept.result
    assert "document" not in "".join(str(value) for value in vars(kept).values())


def test_maintenance_tasks_keep_their_results_but_notifications_do_not():
    app.loader.import_default_modules()
    ours = [name for name in app.tasks if not name.startswith(("celery.", "tests."))]
    ignored = {name for name in ours if app.tasks[name].ignore_result}
    assert ignored == {"jobs.tasks.work", "jobs.tasks.sweep_jobs"}


def test_results_are_removed_after_thirty_days():
    old, new = (TaskResult.objects.create(task_id=str(uuid4())) for _ in range(2))
    TaskResult.objects.filter(pk=old.pk).update(date_done=timezone.now() - timedelta(days=30, minutes=1))
    TaskResult.objects.filter(pk=new.pk).update(date_done=timezone.now() - timedelta(days=29))
    app.tasks["celery.backend_cleanup"]()
    assert list(TaskResult.objects.all()) == [new]


def test_operators_read_results_and_cannot_write_them(operator: User):
    (kept,), client = run(fail), browser(operator)
    assert kept.task_name in client.get(reverse(LIST)).content.decode()
    change = reverse(CHANGE, args=[kept.pk])
    page = client.get(change).content.decode()
    assert "ValueError" in page and "exc_type" not in page and "/history/" not in page
    assert client.post(change, {"task_name": "x"}).status_code == 403
    assert client.get(change.replace("/change/", "/history/")).status_code == 404
    assert client.post(change.replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403


def test_owner_does_not_see_results(owner: Person):
    kept = TaskResult.objects.create(task_id=str(uuid4()))
    assert owner.client.get(reverse(CHANGE, args=[kept.pk])).status_code == 403
