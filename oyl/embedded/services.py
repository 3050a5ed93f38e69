"""The embedded services as a group: their programs, and how a command or a test ensures that they run."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from oyl.embedded import instance, postgres, redis, vectors
from oyl.embedded.errors import ServiceError
from oyl.embedded.instance import InstanceKind
from oyl.embedded.layout import Layout
from oyl.embedded.program import Program
from oyl.embedded.service_log import ServiceLog
from oyl.embedded.supervisor import Supervisor

TIMEOUT_SECONDS = 60.0


def programs() -> list[Program]:
    """The services for which the settings name no server; PostgreSQL is last, because it takes longest."""
    layout: Layout = settings.LAYOUT
    found = []
    if not settings.QDRANT_URL:
        found.append(vectors.program(layout))
    if settings.REDIS_URL.endswith(f"@{layout.redis_socket}"):
        found.append(redis.program(layout))
    if settings.EMBEDDED:
        found.append(postgres.program(layout))
    return found


@contextmanager
def run(acquired: instance.Instance, service_log: ServiceLog) -> Iterator[Supervisor]:
    """Run the services of an acquired instance during the block; more programs may be started inside."""
    supervisor = Supervisor(service_log, acquired.child_started)
    try:
        supervisor.start(programs())
        yield supervisor
    finally:
        supervisor.stop()
        service_log.close()
        acquired.release()


@contextmanager
def ensure_services() -> Iterator[None]:
    """Use the services of a running `up`, `services start` or command; otherwise run them for this block.

    The process that started them stops them only when no other process is inside such a block.
    """
    layout: Layout = settings.LAYOUT
    if not programs():  # on servers there is nothing to run, and other machines may share the data folder
        yield
        return
    layout.data.mkdir(parents=True, exist_ok=True)
    users = os.open(layout.data / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(users, fcntl.LOCK_SH)
        acquired = _acquire_or_wait(layout)
        if acquired is None:
            yield
            return
        with run(acquired, ServiceLog(layout.logs)):
            acquired.mark_ready()
            try:
                yield
            finally:
                fcntl.flock(users, fcntl.LOCK_EX)  # waits for the other processes to leave
    finally:
        os.close(users)


def make_tables_if_new() -> None:
    """Migrate a new data folder at the first command; servers are migrated by their operator."""
    if not settings.EMBEDDED:
        return
    django.setup()
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT to_regclass('django_migrations') IS NULL")
        is_new = cursor.fetchone()[0]
    connections["owner"].close()
    if is_new:
        call_command("migrate", interactive=False, verbosity=0)


def _acquire_or_wait(layout: Layout) -> instance.Instance | None:
    """Acquire the instance, or wait until the running one is ready (None)."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if acquired := instance.acquire(layout, InstanceKind.COMMAND):
            return acquired
        info = instance.running_instance(layout)
        if info and info.ready:
            return None
        time.sleep(0.05)
    raise ServiceError(
        f"The services in {layout.data} are being started by another process, but do not get ready."
    )
