"""Processes of ours that are killed in the middle of their work."""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection, connections

from engines.parsing import get_parser


@dataclass(frozen=True, slots=True)
class KillableProcess:
    """A forked process that has begun its work; `backend` is PostgreSQL's process that serves it."""

    pid: int
    backend: int

    def is_alive(self) -> bool:
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def kill(self) -> bool:
        """Whether it was still alive. Its last transaction has ended, too, when this returns."""
        os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        while _is_served(self.backend):
            time.sleep(0.001)
        return os.WIFSIGNALED(status)

    def wait(self) -> None:
        """Until it has done its work, without fault."""
        _, status = os.waitpid(self.pid, 0)
        assert status == 0


def start(work: Callable[[], object]) -> KillableProcess:
    """Returns when the child is connected and begins. No connection is shared: the parent closes its own before.

    A bare fork: with `multiprocessing`, the child would first close what the parent has open to Redis, and wait there for
    an answer to the parent.
    """
    for each in connections.all(initialized_only=True):
        each.close()
    connection.close_pool()  # type: ignore[attr-defined]
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        _run(work, writing)
    os.close(writing)
    with os.fdopen(reading) as told:
        return KillableProcess(pid, int(told.readline()))


def _run(work: Callable[[], object], writing: int) -> None:
    """In the child, which ends here: the rest is the parent's to do."""
    get_parser.cache_clear()  # the parent's thread that starts parsers is not here
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            os.write(writing, f"{cursor.fetchone()[0]}\n".encode())
        os.close(writing)
        work()
        connection.close()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _is_served(backend: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s)", [backend])
        return bool(cursor.fetchone()[0])
