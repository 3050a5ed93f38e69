"""Fault injection: workers, beat and services are killed, stopped and suspended, until the number of kills is reached."""

from __future__ import annotations

import multiprocessing
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Event, Thread
from types import MappingProxyType

import redis
from django.conf import settings

from jobs.querysets import LEASE
from tests.proof.chaos import preload, worker
from tests.proof.chaos.events import Log
from tests.proof.chaos.instance import Services
from tests.proof.chaos.scale import Scale
from tests.proof.chaos.worker import Plan

Step = tuple[str, str]
RunWorker = Callable[[Plan, Scale, Path, Connection], None]
RunProcess = Callable[[Scale, Path], None]
WORKERS = 4
STEP_RATE = 0.6
LOST_ANSWER_RATE = 0.15
# Steps before which a worker is suspended for longer than its lease.
STALLED_STEPS = ("publishing.publish", "indexing.index", "publishing.clean")
# An idle worker is killed after so many times the lifetime of a busy one.
IDLE_FACTOR = 10
# How often per thousand kills each fault is injected, at least once.
FAULTS = {
    "stall worker": 40,
    "kill postgres": 12,
    "restart postgres": 4,
    "kill vectors": 20,
    "kill redis": 6,
    "kill beat": 10,
    "kill web": 60,
    "flush redis": 10,
    "hang redis": 2,
    "stop redis": 1,
}


@dataclass(slots=True)
class Slot:
    """A worker process. It is killed at the `deadline`, which is `lifetime` seconds after it has `claimed` jobs."""

    process: BaseProcess
    claimed: Connection
    lifetime: float
    deadline: float

    def seconds_left(self) -> float:
        if self.lifetime and self.claimed.poll():
            self.deadline, self.lifetime = time.monotonic() + self.lifetime, 0
        return self.deadline - time.monotonic()


class FaultInjector(Thread):
    """Keeps four workers and the other `processes` running; during `inject`, with plans that kill the workers, or suspend
    them before one of the steps `stalled`."""

    def __init__(
        self,
        scale: Scale,
        services: Services,
        folder: Path,
        *,
        run_worker: RunWorker = worker.run_worker,
        processes: Mapping[str, RunProcess] = MappingProxyType({"beat": worker.run_beat}),
        stalled: Sequence[str] = STALLED_STEPS,
    ) -> None:
        super().__init__(name="faults", daemon=True)
        self._scale, self._services, self._folder = scale, services, folder
        self._run_worker, self._stalled = run_worker, stalled
        self._log, self._rng = Log(folder / "events"), random.Random(scale.seed)
        self._lease = scale.lease or LEASE.total_seconds()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([preload.__name__, run_worker.__module__])
        self._steps: Counter[Step] = Counter()
        self._harmless_plan: Plan | None = Plan(logs_steps=True)
        self._slots = [self._new_slot() for _ in range(WORKERS)]
        self._functions = processes
        self._processes = {name: self._start(name) for name in processes}
        self._threads: list[Thread] = []
        self._stalls = 0
        self._stopped = Event()
        self.done: Counter[str] = Counter()
        self.kills = 0

    def run(self) -> None:
        while not self._stopped.wait(0.01):
            self._slots = [self._check(slot) for slot in self._slots]
            for name, process in self._processes.items():
                if not process.is_alive():
                    self._processes[name] = self._start(name)

    def inject(self, steps: Sequence[Step]) -> None:
        """Inject faults until the number of kills is reached. Workers kill themselves at the `steps`."""
        assert {step for _, step in steps} >= set(self._stalled)
        self._steps, self._harmless_plan = Counter(dict.fromkeys(steps, 0)), None
        self._replace_workers()
        schedule = self._schedule()
        while self.kills < self._scale.kills:
            if schedule and self.kills >= schedule[0][0]:
                self._inject_fault(schedule.pop(0)[1])
            time.sleep(0.01)
        for thread in self._threads:
            thread.join()

    def stop_injecting(self) -> None:
        """From now on only the poisoned documents kill workers."""
        self._harmless_plan = Plan()
        self._replace_workers()

    def stop(self) -> None:
        self._stopped.set()
        self.join()
        for process in (*(slot.process for slot in self._slots), *self._processes.values()):
            process.kill()
            process.join()

    def _replace_workers(self) -> None:
        for slot in self._slots:
            slot.deadline, slot.lifetime = 0, 0

    def _schedule(self) -> list[tuple[float, str]]:
        """Return (number of kills, fault), evenly spread."""
        absent = {"beat", "web"} - self._processes.keys()
        numbers = {fault: number for fault, number in FAULTS.items() if fault.split()[1] not in absent}
        names = [
            fault
            for fault, number in numbers.items()
            for _ in range(max(1, number * self._scale.kills // 1000))
        ]
        self._rng.shuffle(names)
        interval = self._scale.kills / (len(names) + 1)
        return [(interval * (position + 1), name) for position, name in enumerate(names)]

    def _check(self, slot: Slot) -> Slot:
        """Return the slot, or a new one if its worker is dead or was killed now."""
        if slot.process.is_alive():
            if slot.seconds_left() > 0:
                return slot
            self._log.write("died", pid=slot.process.pid or 0, where="a random moment")
            slot.process.kill()
        slot.process.join()
        slot.claimed.close()
        self.kills += 1
        was_killed = slot.process.exitcode == -signal.SIGKILL
        self.done["worker killed" if was_killed else "worker ended by itself"] += 1
        return self._new_slot()

    def _new_slot(self) -> Slot:
        plan = self._harmless_plan or self._deadly_plan()
        receiver, sender = self._context.Pipe(duplex=False)
        arguments = (plan, self._scale, self._folder, sender)
        process = self._context.Process(target=self._run_worker, args=arguments)
        process.start()
        sender.close()
        if self._harmless_plan:
            return Slot(process, receiver, lifetime=0, deadline=float("inf"))
        lifetime = self._scale.lifetime * (2 if plan.step else self._rng.random()) + plan.stall_seconds
        deadline = time.monotonic() + self._scale.lifetime * IDLE_FACTOR
        return Slot(process, receiver, lifetime, deadline)

    def _deadly_plan(self) -> Plan:
        """Return a plan for one of the steps tried least, or for a random moment."""
        if self._stalls:
            self._stalls -= 1
            step = self._rng.choice(self._stalled)
            return Plan(step=step, side="before", stall_seconds=self._lease * 1.5)
        loses_answer = self._rng.random() < LOST_ANSWER_RATE
        if self._rng.random() > STEP_RATE:
            return Plan(loses_answer=loses_answer)
        least = min(self._steps.values())
        side, step = self._rng.choice([one for one, tried in self._steps.items() if tried == least])
        self._steps[side, step] += 1
        return Plan(step=step, side=side, turn=self._rng.choice((1, 1, 2)), loses_answer=loses_answer)

    def _inject_fault(self, fault: str) -> None:
        self._log.write("fault", fault=fault)
        verb, name = fault.split()
        if verb == "stall":
            self._stalls += 1
        elif verb == "flush":
            with suppress(redis.RedisError):
                redis.Redis.from_url(settings.REDIS_URL).flushall()
        elif verb == "restart":
            self._in_thread(lambda: self._stop_service(name, 0))
        elif verb == "stop":
            self._in_thread(lambda: self._stop_service(name, self._scale.outage))
        elif verb == "hang":
            self._in_thread(lambda: self._suspend_service(name, self._scale.outage / 2))
        elif name in self._processes:
            self._processes[name].kill()
        elif not self._services.kill(name):
            return
        self.done[fault] += 1
        self.kills += verb == "kill"

    def _stop_service(self, name: str, seconds: float) -> None:
        start = time.time()
        self._services.stop(name)
        time.sleep(seconds)
        self._services.start(name)
        self._log.write("downtime", name=name, since=start)

    def _suspend_service(self, name: str, seconds: float) -> None:
        start = time.time()
        self._services.suspend(name, seconds)
        self._log.write("downtime", name=name, since=start)

    def _in_thread(self, function: Callable[[], None]) -> None:
        thread = Thread(target=function)
        thread.start()
        self._threads.append(thread)

    def _start(self, name: str) -> BaseProcess:
        process = self._context.Process(target=self._functions[name], args=(self._scale, self._folder))
        process.start()
        return process
