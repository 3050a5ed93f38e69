"""Celery: Redis is only the doorbell, every piece of work is a row in PostgreSQL."""

from __future__ import annotations

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
