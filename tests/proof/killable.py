"""Child processes that can be killed in the middle of their work."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection, connections

from engines.parsing import get_parser

STARTS = 3


@dataclass(frozen=True, slots=True)
class KillableProcess:
    """A forked process that has started its work; `backend` is the pid of PostgreSQL's process that serves it."""

    pid: int
    backend: int

    def is_alive(self) -> bool:
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def kill(self) -> bool:
        """Return whether it was still alive. Its last transaction has ended when this returns."""
        os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        while _is_served(self.backend):
            time.sleep(0.001)
        return os.WIFSIGNALED(status)

    def wait(self) -> None:
        """Wait until its work is done without an error."""
        _, status = os.waitpid(self.pid, 0)
        assert status == 0


def start(work: Callable[[], object]) -> KillableProcess:
    """Return when the child is connected and starts. The parent closes its connections before, so that none is shared.

    It is a plain fork: with `multiprocessing`, the child would first close the parent's connection to Redis, and wait for
    a response to the parent.
    """
    for each in connections.all(initialized_only=True):
        each.close()
    connection.close_pool()  # type: ignore[attr-defined]
    for _ in range(STARTS):
        reading, writing = os.pipe()
        if (pid := os.fork()) == 0:
            _run(work, writing)
        os.close(writing)
        with os.fdopen(reading) as reader:
            if backend := reader.readline():
                return KillableProcess(pid, int(backend))
        # A fork of a process with threads may fail: the child has none of them, and what they held.
        print(f"a child ended before it began: {os.waitpid(pid, 0)[1]}", file=sys.stderr)
    raise AssertionError("no child began: see what they printed")


def _run(work: Callable[[], object], writing: int) -> None:
    """Run in the child, which exits here."""
    get_parser.cache_clear()  # the parent's thread that starts parsers does not exist in the child
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
