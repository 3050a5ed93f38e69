"""What runs in the processes that are killed: Celery's own worker and beat, forked from a process that has imported
everything, so that a thousand of them start in no time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from engines.parsing.sandbox import die_with_parent
from engines.vectors import VectorStoreError
from jobs import progress, querysets
from oyl.celery import app
from tests.proof.chaos import steps
from tests.proof.chaos.corpus import POISON
from tests.proof.chaos.events import Log
from tests.proof.chaos.scale import Scale

WRITES = ("upsert", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where a worker kills itself: before or after (`side`) the `turn`th time of a `step`; "" nowhere. With `stalls` it does
    not, but stands still for so many seconds. `is_unheard`: its first write to the vector store is done, but answered by
    a time-out. `tells`: it writes down where it passes."""

    step: str = ""
    side: str = ""
    turn: int = 1
    stalls: float = 0
    is_unheard: bool = False
    tells: bool = False


class Fate:
    """What becomes of a worker at each of its steps."""

    def __init__(self, plan: Plan, log: Log, busy: Connection) -> None:
        self._plan, self._log, self._busy = plan, log, busy
        self._turns, self._told, self._is_unheard = 0, set[str](), plan.is_unheard

    def around(self, step: str, call: Callable[[], Any], args: tuple[Any, ...]) -> Any:
        if step.endswith("PooledParser.parse") and args[2].read_bytes().startswith(POISON):
            self._die("poison")
        self._pass("before", step)
        result = call()
        self._note(step, result, args)
        if self._is_unheard and step.endswith(tuple(f"Store.{write}" for write in WRITES)):
            self._is_unheard = False
            raise VectorStoreError("vector_store_unavailable", "The answer came too late.")
        self._pass("after", step)
        return result

    def _note(self, step: str, result: Any, args: tuple[Any, ...]) -> None:
        if step == "queue.claim" and result:
            self._log.write("claimed", jobs=[[str(job.pk), job.attempt] for job in result])
            self._busy.send_bytes(b"claimed")
        if step == "queue.fail":
            self._log.write("released", job=str(args[1].pk))

    def _pass(self, side: str, step: str) -> None:
        if self._plan.tells and f"{side} {step}" not in self._told:
            self._told.add(f"{side} {step}")
            self._log.write("passed", side=side, step=step)
        if (side, step) == (self._plan.side, self._plan.step):
            self._turns += 1
            if self._turns == self._plan.turn:
                self._end(f"{side} {step}")

    def _end(self, where: str) -> None:
        if not self._plan.stalls:
            self._die(where)
        self._log.write("stalled", where=where)
        subprocess.Popen(["sh", "-c", f"sleep {self._plan.stalls}; kill -CONT {os.getpid()}"])
        os.kill(os.getpid(), signal.SIGSTOP)

    def _die(self, where: str) -> NoReturn:
        self._log.write("died", where=where)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def work(plan: Plan, scale: Scale, folder: Path, busy: Connection) -> None:
    """One Celery worker with one thread; every message that it sends, it sends twice. `busy` hears of each claim."""
    _begin(scale, folder / "worker.log")
    steps.instrument(Fate(plan, Log(folder / "events"), busy).around)
    pool = ("--pool", "threads", "--concurrency", "1", "--without-gossip", "--without-mingle")
    app.worker_main(["--quiet", "worker", *pool, "-Q", "ingest,maintenance", "-n", f"w{os.getpid()}@%h"])


def beat(scale: Scale, folder: Path) -> None:
    _begin(scale, folder / "beat.log")
    if scale.sweep:
        app.conf.beat_schedule["sweep-jobs"]["schedule"] = scale.sweep
    app.start(["--quiet", "beat", "-s", str(folder / "schedule"), "--pidfile="])


def _begin(scale: Scale, log: Path) -> None:
    die_with_parent()
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(handle, sys.stdout.fileno())
    os.dup2(handle, sys.stderr.fileno())
    if scale.lease:
        querysets.LEASE, progress.HEARTBEAT_SECONDS = timedelta(seconds=scale.lease), scale.heartbeat
    deliver_twice()


def deliver_twice() -> None:
    send = app.send_task

    def twice(*args: Any, **kwargs: Any) -> Any:
        send(*args, **kwargs)
        return send(*args, **kwargs)

    app.send_task = twice  # type: ignore[method-assign]
