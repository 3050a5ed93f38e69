"""An embedded instance, whose services run under OYL's supervisor, and can be stopped, suspended and killed."""

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
        names = names or tuple(self._programs)
        for name in names:
            self._children[name] = Child(self._programs[name], self.service_log, self._pids.__setitem__)
            self._children[name].start()
        for name in names:
            self._children[name].wait_until_ready(time.monotonic() + 60)

    def stop(self, *names: str) -> None:
        for name in names or tuple(self._children):
            child = self._children.pop(name)
            child.request_stop()
            child.wait_until_stopped()

    def suspend(self, name: str, seconds: float) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._pids[name], signal.SIGSTOP)
            time.sleep(seconds)
            os.kill(self._pids[name], signal.SIGCONT)

    def kill(self, name: str) -> bool:
        """Kill a service, which its supervisor starts again. Return False if it is stopped."""
        if name not in self._children:
            return False
        with suppress(ProcessLookupError):
            os.kill(self._pids[name], signal.SIGKILL)
        return True


@contextmanager
def running() -> Iterator[Services]:
    lock = instance.acquire(settings.LAYOUT, InstanceKind.SERVICES)
    assert lock
    running_services = Services()
    try:
        running_services.start()
        lock.mark_ready()
        yield running_services
    finally:
        running_services.stop()
        running_services.service_log.close()
        lock.release()
