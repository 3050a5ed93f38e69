"""Celery: its messages only say that a queue has work; every piece of work is a row in PostgreSQL."""

from __future__ import annotations

import gc
import os
from typing import Any

from celery import Celery, Task
from celery.signals import beat_init, worker_init, worker_ready

from core.apps import oyl_apps
from core.isolation.time_limits import BULK, time_limits
from core.memory import share_arenas
from jobs.signs_of_life import start_giving_signs
from oyl.user import refuse_root

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oyl.settings")
# Django's checks would load the console and the API into each worker; the web process and `migrate` run them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")


class BulkTask(Task):  # type: ignore[type-arg]
    """Tasks may work in the database for longer than requests."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        with time_limits(BULK):
            return super().__call__(*args, **options)


app = Celery("oyl", task_cls=BulkTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def beat_schedule() -> dict[str, dict[str, Any]]:
    """The periodic tasks that the apps announce, as Celery's beat expects them."""
    return {
        schedule.name: {
            "task": schedule.task,
            "schedule": schedule.every,
            "kwargs": dict(schedule.arguments),
            "options": {"expires": schedule.expires},
        }
        for config in oyl_apps()
        for schedule in config.schedules
    }


@worker_ready.connect
def worker_lives(**_: Any) -> None:
    start_giving_signs("worker")


@beat_init.connect
def beat_lives(**_: Any) -> None:
    start_giving_signs("beat")


@worker_init.connect
@beat_init.connect
def check_user(**_: Any) -> None:
    refuse_root()


@worker_init.connect
def check_before_start(**_: Any) -> None:
    from core.isolation.scope import refuse_unsafe_role

    refuse_unsafe_role()


@worker_init.connect
def keep_the_number_of_threads(*, sender: Any, **_: Any) -> None:
    """The command's option `--concurrency` would otherwise not be seen in `app.conf`."""
    app.conf.worker_concurrency = sender.concurrency


@worker_init.connect
def relax_garbage_collection(**_: Any) -> None:
    """A batch makes many objects and hardly any cycles. With Python's default thresholds, searching for cycles would take a
    tenth of a worker's time."""
    gc.set_threshold(50_000, 20, 50)


@worker_init.connect
def limit_memory(**_: Any) -> None:
    """A worker of four threads would otherwise keep some 250 MB that its models have taken and freed."""
    share_arenas(2)
