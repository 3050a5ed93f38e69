"""Four workers and beat that are killed and started again, and services that are struck, until enough was killed."""

from __future__ import annotations

import multiprocessing
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Event, Thread

import redis
from django.conf import settings

from jobs.querysets import LEASE
from tests.proof.chaos import ready, worker
from tests.proof.chaos.events import Log
from tests.proof.chaos.instance import Services
from tests.proof.chaos.scale import Scale
from tests.proof.chaos.worker import Plan

Step = tuple[str, str]
WORKERS = 4
AT_A_STEP = 0.6
UNHEARD = 0.15
# Where the next worker stands still for longer than its lease, to go on as if nothing had happened.
STALLED_BEFORE = ("flipping.flip", "indexing.index", "flipping.clean")
# A worker that finds nothing to do is killed after so many times its patience.
IDLE = 10
# How often each is done in a thousand kills; once at least.
STRIKES = {
    "stall worker": 40,
    "kill postgres": 12,
    "restart postgres": 4,
    "kill vectors": 20,
    "kill redis": 6,
    "kill beat": 10,
    "flush redis": 10,
    "hang redis": 2,
    "stop redis": 1,
}


@dataclass(slots=True)
class Slot:
    """A worker's place. `until` is when it is killed; from the moment that it is `busy` it has at most `patience` seconds
    left."""

    process: BaseProcess
    busy: Connection
    patience: float
    until: float

    def look(self) -> float:
        """Seconds that it has left."""
        if self.patience and self.busy.poll():
            self.until, self.patience = time.monotonic() + self.patience, 0
        return self.until - time.monotonic()


class Storm(Thread):
    """Keeps four workers and beat running, each with its plan; in a storm, with one that kills it."""

    def __init__(self, scale: Scale, services: Services, folder: Path) -> None:
        super().__init__(name="storm", daemon=True)
        self._scale, self._services, self._folder = scale, services, folder
        self._log, self._rng = Log(folder / "events"), random.Random(scale.seed)
        self._lease = scale.lease or LEASE.total_seconds()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([ready.__name__, worker.__name__])
        self._steps: Counter[Step] = Counter()
        self._calm_plan: Plan | None = Plan(tells=True)
        self._slots = [self._new_slot() for _ in range(WORKERS)]
        self._beat = self._start_beat()
        self._outages: list[Thread] = []
        self._stalls = 0
        self._is_over = Event()
        self.done: Counter[str] = Counter()
        self.kills = 0

    def run(self) -> None:
        while not self._is_over.wait(0.01):
            self._slots = [self._looked_after(slot) for slot in self._slots]
            if not self._beat.is_alive():
                self._beat = self._start_beat()

    def blow(self, steps: Sequence[Step]) -> None:
        """Until as many were killed as should be. `steps`: where workers may kill themselves."""
        self._steps, self._calm_plan = Counter(dict.fromkeys(steps, 0)), None
        self._end_slots()
        strikes = self._strikes()
        while self.kills < self._scale.kills:
            if strikes and self.kills >= strikes[0][0]:
                self._strike(strikes.pop(0)[1])
            time.sleep(0.01)
        for outage in self._outages:
            outage.join()

    def calm(self) -> None:
        """From now on only the poisoned documents kill."""
        self._calm_plan = Plan()
        self._end_slots()

    def end(self) -> None:
        self._is_over.set()
        self.join()
        for process in (*(slot.process for slot in self._slots), self._beat):
            process.kill()
            process.join()

    def _end_slots(self) -> None:
        for slot in self._slots:
            slot.until, slot.patience = 0, 0

    def _strikes(self) -> list[tuple[float, str]]:
        """When, in kills, and what: spread evenly, beginning and ending with calm."""
        names = [
            name
            for name, number in STRIKES.items()
            for _ in range(max(1, number * self._scale.kills // 1000))
        ]
        self._rng.shuffle(names)
        between = self._scale.kills / (len(names) + 1)
        return [(between * (place + 1), name) for place, name in enumerate(names)]

    def _looked_after(self, slot: Slot) -> Slot:
        if not slot.process.is_alive():
            return self._replaced(slot)
        if slot.look() > 0:
            return slot
        self._log.write("died", pid=slot.process.pid or 0, where="a random moment")
        slot.process.kill()
        return self._replaced(slot)

    def _replaced(self, slot: Slot) -> Slot:
        slot.process.join()
        slot.busy.close()
        self._count(slot.process)
        return self._new_slot()

    def _count(self, process: BaseProcess) -> None:
        """SIGKILL, or a worker that ended by itself, which none should."""
        self.kills += 1
        self.done["worker killed" if process.exitcode == -signal.SIGKILL else "worker ended by itself"] += 1

    def _new_slot(self) -> Slot:
        plan = self._calm_plan or self._deadly_plan()
        hears, tells = self._context.Pipe(duplex=False)
        process = self._context.Process(target=worker.work, args=(plan, self._scale, self._folder, tells))
        process.start()
        tells.close()
        if self._calm_plan:
            return Slot(process, hears, patience=0, until=float("inf"))
        patience = self._scale.patience * (2 if plan.step else self._rng.random()) + plan.stalls
        idle = time.monotonic() + self._scale.patience * IDLE
        return Slot(process, hears, patience, idle)

    def _deadly_plan(self) -> Plan:
        """At the steps in turn, or at a random moment."""
        if self._stalls:
            self._stalls -= 1
            step = self._rng.choice(STALLED_BEFORE)
            return Plan(step=step, side="before", stalls=self._lease * 1.5)
        is_unheard = self._rng.random() < UNHEARD
        if self._rng.random() > AT_A_STEP:
            return Plan(is_unheard=is_unheard)
        least = min(self._steps.values())
        side, step = self._rng.choice([one for one, tried in self._steps.items() if tried == least])
        self._steps[side, step] += 1
        return Plan(step=step, side=side, turn=self._rng.choice((1, 1, 2)), is_unheard=is_unheard)

    def _strike(self, what: str) -> None:
        self._log.write("struck", what=what)
        verb, name = what.split()
        if verb == "stall":
            self._stalls += 1
        elif verb == "flush":
            with suppress(redis.RedisError):
                redis.Redis.from_url(settings.REDIS_URL).flushall()
        elif verb == "restart":
            self._aside(lambda: self._away(name, 0))
        elif verb == "stop":
            self._aside(lambda: self._away(name, self._scale.outage))
        elif verb == "hang":
            self._aside(lambda: self._hung(name, self._scale.outage / 2))
        elif name == "beat":
            self._beat.kill()
        elif not self._services.kill(name):
            return
        self.done[what] += 1
        self.kills += verb == "kill"

    def _away(self, name: str, seconds: float) -> None:
        begin = time.time()
        self._services.stop(name)
        time.sleep(seconds)
        self._services.start(name)
        self._log.write("away", name=name, since=begin)

    def _hung(self, name: str, seconds: float) -> None:
        begin = time.time()
        self._services.hang(name, seconds)
        self._log.write("away", name=name, since=begin)

    def _aside(self, act: Callable[[], None]) -> None:
        thread = Thread(target=act)
        thread.start()
        self._outages.append(thread)

    def _start_beat(self) -> BaseProcess:
        process = self._context.Process(target=worker.beat, args=(self._scale, self._folder))
        process.start()
        return process
