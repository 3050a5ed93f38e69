"""Celery: Redis is only the doorbell, every piece of work is a row in PostgreSQL."""

from __future__ import annotations

import gc
import os
from typing import Any

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oyl.settings")

app = Celery("oyl")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def refuse_to_start_unsafe(**_: Any) -> None:
    from tenants.scope import refuse_unsafe_role

    refuse_unsafe_role()


@worker_init.connect
def look_for_cycles_seldom(**_: Any) -> None:
    """A batch makes many objects and hardly any cycles: to look for those as often as Python does takes a tenth of a
    worker's time."""
    gc.set_threshold(50_000, 20, 50)
