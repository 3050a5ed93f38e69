"""Keeps child processes running: starts them together, restarts them after a crash, and stops them in reverse order."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Lock, Thread
from types import FrameType
from typing import NoReturn

from oyl.embedded.errors import ServiceError
from oyl.embedded.program import Program
from oyl.embedded.service_log import ServiceLog

ROOT = Path(__file__).resolve().parent.parent.parent
MIN_DELAY, MAX_DELAY = 0.5, 30.0
STABLE_SECONDS = 30.0  # after this time a restart begins with the shortest delay
MAX_START_FAILURES = 3


def describe_exit(code: int) -> str:
    """Describe a process's return code."""
    if code >= 0:
        return f"ended with exit code {code}"
    number = -code
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    return f"was killed by {name}" + (" (out of memory, or kill -9)" if name == "SIGKILL" else "")


class Child:
    """One program, kept running by a thread of its own. That thread starts every process, because the kernel sends a
    process its parent-death signal when the thread that started it ends."""

    def __init__(
        self, program: Program, service_log: ServiceLog, on_start: Callable[[str, int], None]
    ) -> None:
        self.program, self._service_log, self._on_start = program, service_log, on_start
        self._stopping, self._lock = Event(), Lock()
        self._process: subprocess.Popen[str] | None = None
        self._thread = Thread(target=self._keep_running, name=program.name, daemon=True)
        self.failures = 0

    def start(self) -> None:
        self.program.prepare()
        self._thread.start()

    def wait_until_ready(self, deadline: float) -> None:
        """Raises ServiceError when it crashes repeatedly, or is not ready at `deadline` (monotonic)."""
        while not self.program.is_ready():
            if self._stopping.is_set():
                return
            if self.failures >= MAX_START_FAILURES or time.monotonic() > deadline:
                raise ServiceError(
                    f"{self.program.name} does not start: see {self._service_log.path(self.program.name)}"
                )
            time.sleep(0.02)
        self.program.on_ready()

    def request_stop(self) -> None:
        with self._lock:
            self._stopping.set()
            if self._process:
                with suppress(ProcessLookupError):
                    self._process.send_signal(self.program.stop_signal)

    def wait_until_stopped(self) -> None:
        """Wait until the process has ended; kill it after the program's `grace`."""
        self._thread.join(self.program.grace)
        if self._thread.is_alive() and self._process:
            self._log(f"did not stop within {self.program.grace:.0f} s and is killed")
            _kill_group(self._process.pid)
            self._thread.join(1)

    def _keep_running(self) -> None:
        delay = MIN_DELAY
        while not self._stopping.is_set():
            begin = time.monotonic()
            reason = self._run_once()
            if self._stopping.is_set():
                return
            self.failures += 1
            delay = MIN_DELAY if time.monotonic() - begin > STABLE_SECONDS else delay
            self._log(f"{reason}; starting it again in {delay:g} s")
            self._stopping.wait(delay)
            delay = min(delay * 2, MAX_DELAY)

    def _run_once(self) -> str:
        with self._lock:
            if self._stopping.is_set():
                return "is stopping"
            self._process = process = subprocess.Popen(
                self.program.argv,
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": "oyl.settings"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,  # Ctrl-C in the terminal reaches only the supervisor
            )
        self._on_start(self.program.name, process.pid)
        reader = Thread(target=self._copy_output, args=[process], daemon=True)
        reader.start()
        code = process.wait()
        _kill_group(process.pid)  # its own children
        reader.join(1)
        return describe_exit(code)

    def _copy_output(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        with process.stdout as lines:
            for line in lines:
                self._service_log.write(self.program.name, line.rstrip(), quiet=self.program.quiet)

    def _log(self, line: str) -> None:
        self._service_log.write(self.program.name, line)


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


class Supervisor:
    """Runs groups of children. `on_start` is called with the name and process id at every start."""

    def __init__(self, service_log: ServiceLog, on_start: Callable[[str, int], None]) -> None:
        self._service_log, self._on_start = service_log, on_start
        self._groups: list[list[Child]] = []

    def start(self, programs: Iterable[Program], *, timeout: float = 30) -> None:
        """Start a group of programs at the same time and return when all are ready. Raises ServiceError."""
        group: list[Child] = []
        self._groups.append(group)
        for program in programs:
            child = Child(program, self._service_log, self._on_start)
            child.start()
            group.append(child)
        deadline = time.monotonic() + timeout
        for child in group:
            child.wait_until_ready(deadline)

    def stop(self) -> None:
        """Stop everything, the last group first, each group's children at the same time."""
        while self._groups:
            group = self._groups.pop()
            for child in group:
                child.request_stop()
            for child in group:
                child.wait_until_stopped()


@contextmanager
def interruptible() -> Iterator[None]:
    """The first Ctrl-C or SIGTERM raises KeyboardInterrupt; later ones are ignored, so that they do not disturb the end."""
    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        for name in names:
            signal.signal(name, signal.SIG_IGN)
        raise KeyboardInterrupt

    for name in names:
        signal.signal(name, interrupt)
    yield
