"""The embedded services alone, in the background: `manage.py services` runs this module as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event

from django.conf import settings

from oyl.embedded import instance, services
from oyl.embedded.errors import ServiceError
from oyl.embedded.instance import InstanceInfo, InstanceKind
from oyl.embedded.layout import Layout
from oyl.embedded.service_log import ServiceLog
from oyl.embedded.supervisor import ROOT, interruptible

PATIENCE_SECONDS = 30.0


def start(layout: Layout) -> InstanceInfo:
    """Make them run, unless they do already; returns when they are ready. Raises ServiceError."""
    host = None if _lasting(layout) else _spawn(layout)

    def is_done() -> bool:
        info = _lasting(layout)
        if host and host.poll() is not None:
            raise ServiceError(f"The services did not start: see {layout.logs / 'services.log'}")
        return bool(info and info.ready)

    _wait(is_done, f"The services are not ready yet: see {layout.logs}")
    if host:
        host.returncode = 0  # it is meant to outlive this process
    info = _lasting(layout)
    assert info
    return info


def stop(layout: Layout) -> bool:
    """Stop what `start` made run; False when there is nothing to stop. Raises ServiceError."""
    info = _lasting(layout)
    if info is None or info.kind is InstanceKind.UP:
        return False
    with suppress(ProcessLookupError):
        os.kill(info.pid, signal.SIGTERM)
    _wait(lambda: _lasting(layout) is None, f"The services (process {info.pid}) do not stop.")
    return True


def main() -> None:
    """The background process: owns the services until it is told to stop."""
    layout: Layout = settings.LAYOUT
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (mine := instance.acquire(layout, InstanceKind.SERVICES)) is None:
        if time.monotonic() > deadline:
            sys.exit(f"Another process keeps using the services in {layout.data}.")
        time.sleep(0.1)
    with suppress(KeyboardInterrupt), interruptible(), services.run(mine, ServiceLog(layout.logs)):
        mine.is_ready()
        Event().wait()


def _lasting(layout: Layout) -> InstanceInfo | None:
    """The owner, unless it is a command, which takes its services with it when it ends."""
    info = instance.running_instance(layout)
    return info if info and info.kind is not InstanceKind.COMMAND else None


def _spawn(layout: Layout) -> subprocess.Popen[bytes]:
    layout.logs.mkdir(parents=True, exist_ok=True)
    with (layout.logs / "services.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "oyl.embedded.background"],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "oyl.settings"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait(is_done: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_done():
        if time.monotonic() > deadline:
            raise ServiceError(complaint)
        time.sleep(0.05)


if __name__ == "__main__":
    main()
