"""The embedded services in the background, without the application: `manage.py services` runs this module."""

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

TIMEOUT_SECONDS = 30.0


def start(layout: Layout) -> InstanceInfo:
    """Start the services unless they run already; returns when they are ready. Raises ServiceError."""
    host: subprocess.Popen[bytes] | None = None
    if _lasting_instance(layout) is None:
        layout.logs.mkdir(parents=True, exist_ok=True)
        with (layout.logs / "services.log").open("ab") as log:
            host = subprocess.Popen(
                [sys.executable, "-m", "oyl.embedded.background"],
                cwd=ROOT,
                env={**os.environ, "DJANGO_SETTINGS_MODULE": "oyl.settings"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_done() -> bool:
        info = _lasting_instance(layout)
        if host and host.poll() is not None:
            raise ServiceError(f"The services did not start: see {layout.logs / 'services.log'}")
        return bool(info and info.ready)

    _wait_until(is_done, f"The services are not ready yet: see {layout.logs}")
    if host:
        host.returncode = 0  # avoids a ResourceWarning: it outlives this process
    info = _lasting_instance(layout)
    assert info
    return info


def stop(layout: Layout) -> bool:
    """Stop the services that `start` started; False when there are none. Raises ServiceError."""
    info = _lasting_instance(layout)
    if info is None or info.kind is InstanceKind.UP:
        return False
    with suppress(ProcessLookupError):
        os.kill(info.pid, signal.SIGTERM)
    _wait_until(lambda: _lasting_instance(layout) is None, f"The services (process {info.pid}) do not stop.")
    return True


def main() -> None:
    """The background process: runs the services until it gets a signal to stop."""
    layout: Layout = settings.LAYOUT
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (acquired := instance.acquire(layout, InstanceKind.SERVICES)) is None:
        if time.monotonic() > deadline:
            sys.exit(f"Another process keeps using the services in {layout.data}.")
        time.sleep(0.1)
    with suppress(KeyboardInterrupt), interruptible(), services.run(acquired, ServiceLog(layout.logs)):
        acquired.mark_ready()
        Event().wait()


def _lasting_instance(layout: Layout) -> InstanceInfo | None:
    """The running instance, unless it is a command, which stops its services when it ends."""
    info = instance.running_instance(layout)
    return info if info and info.kind is not InstanceKind.COMMAND else None


def _wait_until(is_done: Callable[[], bool], message: str) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not is_done():
        if time.monotonic() > deadline:
            raise ServiceError(message)
        time.sleep(0.05)


if __name__ == "__main__":
    main()
