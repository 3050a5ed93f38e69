"""The processes that are killed: Celery's own worker and beat, forked from a process that has imported everything, so that
a thousand of them start quickly."""

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

import uvicorn
from django.test import override_settings

from engines.child_processes import die_with_parent
from engines.vectors import VectorStoreError
from jobs import progress, querysets
from oyl.celery import app
from oyl.web_server import configuration
from tests.proof.chaos import steps
from tests.proof.chaos.corpus import POISON
from tests.proof.chaos.events import Log
from tests.proof.chaos.scale import Scale

WEB_SOCKET = "web.sock"
WRITES = ("Store.upsert", "Store.delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where a worker kills itself: before or after (`side`) the `turn`th time of a `step`; "" for nowhere. With
    `stall_seconds`, it suspends itself instead. `loses_answer`: its first write to the vector store is done, but answered by
    a timeout. `logs_steps`: it logs which steps it passes."""

    step: str = ""
    side: str = ""
    turn: int = 1
    stall_seconds: float = 0
    loses_answer: bool = False
    logs_steps: bool = False


class StepFaults:
    """Carries out a worker's plan around each of its steps."""

    def __init__(self, plan: Plan, log: Log, claimed: Connection) -> None:
        self._plan, self._log, self._claimed = plan, log, claimed
        self._turns, self._logged, self._loses_answer = 0, set[str](), plan.loses_answer

    def around(self, step: str, call: Callable[[], Any], args: tuple[Any, ...]) -> Any:
        if step.endswith("PooledParser.parse") and args[2].read_bytes().startswith(POISON):
            self._die("poison")
        self._pass("before", step)
        result = call()
        if step == "queue.claim" and result:
            self._log.write("claimed", jobs=[[str(job.pk), job.attempt] for job in result])
            self._claimed.send_bytes(b"claimed")
        if step == "queue.fail":
            self._log.write("released", job=str(args[1].pk))
        if self._loses_answer and step.endswith(WRITES):
            self._loses_answer = False
            raise VectorStoreError("vector_store_unavailable", "The answer came too late.")
        self._pass("after", step)
        return result

    def _pass(self, side: str, step: str) -> None:
        if self._plan.logs_steps and f"{side} {step}" not in self._logged:
            self._logged.add(f"{side} {step}")
            self._log.write("passed", side=side, step=step)
        if (side, step) == (self._plan.side, self._plan.step):
            self._turns += 1
            if self._turns == self._plan.turn and self._plan.stall_seconds:
                self._stall(f"{side} {step}")
            elif self._turns == self._plan.turn:
                self._die(f"{side} {step}")

    def _stall(self, where: str) -> None:
        self._log.write("stalled", where=where)
        subprocess.Popen(["sh", "-c", f"sleep {self._plan.stall_seconds}; kill -CONT {os.getpid()}"])
        os.kill(os.getpid(), signal.SIGSTOP)

    def _die(self, where: str) -> NoReturn:
        self._log.write("died", where=where)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def run_worker(plan: Plan, scale: Scale, folder: Path, claimed: Connection) -> None:
    """Run a Celery worker with one thread, which sends every message twice. Each claim is reported to `claimed`."""
    set_up(scale, folder / "worker.log")
    steps.instrument(StepFaults(plan, Log(folder / "events"), claimed).around)
    serve("ingest,maintenance")


def serve(queues: str) -> None:
    pool = ("--pool", "threads", "--concurrency", "1", "--without-gossip", "--without-mingle")
    app.worker_main(["--quiet", "worker", *pool, "-Q", queues, "-n", f"w{os.getpid()}@%h"])


def run_beat(scale: Scale, folder: Path) -> None:
    set_up(scale, folder / "beat.log")
    if scale.sweep:
        app.conf.beat_schedule["sweep-jobs"]["schedule"] = scale.sweep
    app.start(["--quiet", "beat", "-s", str(folder / "schedule"), "--pidfile="])


def run_web(scale: Scale, folder: Path) -> None:
    """Serve OYL on a socket in the folder."""
    set_up(scale, folder / "web.log")
    from oyl.asgi import application

    with override_settings(ALLOWED_HOSTS=["127.0.0.1"]):
        uvicorn.Server(configuration(application, uds=str(folder / WEB_SOCKET))).run()


def set_up(scale: Scale, log: Path) -> None:
    die_with_parent()
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(handle, sys.stdout.fileno())
    os.dup2(handle, sys.stderr.fileno())
    if scale.lease:
        querysets.LEASE, progress.HEARTBEAT_SECONDS = timedelta(seconds=scale.lease), scale.heartbeat
    deliver_twice()


def deliver_twice() -> None:
    send_task = app.send_task

    def send_twice(*args: Any, **kwargs: Any) -> Any:
        send_task(*args, **kwargs)
        return send_task(*args, **kwargs)

    app.send_task = send_twice  # type: ignore[method-assign]
