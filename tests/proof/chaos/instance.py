"""An embedded instance of its own, whose services are kept running by OYL's own supervision, and can be struck."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.conf import settings

from oyl.embedded import instance, services
from oyl.embedded.instance import InstanceKind
from oyl.embedded.service_log import ServiceLog
from oyl.embedded.supervisor import Child


class Services:
    def __init__(self) -> None:
        self.service_log = ServiceLog(settings.LAYOUT.logs)
        self._pids: dict[str, int] = {}
        self._programs = {program.name: program for program in services.programs()}
        self._children: dict[str, Child] = {}

    def start(self, *names: str) -> None:
        chosen = names or tuple(self._programs)
        for name in chosen:
            self._children[name] = Child(self._programs[name], self.service_log, self._pids.__setitem__)
            self._children[name].start()
        for name in chosen:
            self._children[name].wait_until_ready(time.monotonic() + 60)

    def stop(self, *names: str) -> None:
        for name in names or tuple(self._children):
            child = self._children.pop(name)
            child.ask_to_stop()
            child.wait_until_stopped()

    def hang(self, name: str, seconds: float) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._pids[name], signal.SIGSTOP)
            time.sleep(seconds)
            os.kill(self._pids[name], signal.SIGCONT)

    def kill(self, name: str) -> bool:
        """It is started again by whoever keeps it running; False when it was stopped."""
        if name not in self._children:
            return False
        with suppress(ProcessLookupError):
            os.kill(self._pids[name], signal.SIGKILL)
        return True


@contextmanager
def running() -> Iterator[Services]:
    mine = instance.acquire(settings.LAYOUT, InstanceKind.SERVICES)
    assert mine
    made = Services()
    try:
        made.start()
        mine.is_ready()
        yield made
    finally:
        made.stop()
        made.service_log.close()
        mine.release()
