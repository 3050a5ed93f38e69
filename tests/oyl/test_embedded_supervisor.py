"""The supervisor restarts its children, logs why they stopped, and leaves no process running."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import psutil
import pytest

from oyl.embedded import supervisor as module
from oyl.embedded.errors import ServiceError
from oyl.embedded.program import Program
from oyl.embedded.service_log import ServiceLog
from oyl.embedded.supervisor import Supervisor, describe_exit

SLEEP = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(60)"


def python(name: str, code: str, **options: Any) -> Program:
    return Program(name=name, command=(sys.executable, "-S", "-c", code), **options)


def is_alive(process: psutil.Process) -> bool:
    """Return whether the process is running and no zombie."""
    return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)


def says_up(service_log: ServiceLog, name: str) -> bool:
    path = service_log.path(name)
    return path.exists() and "up" in path.read_text()


@pytest.fixture
def running(tmp_path):
    """A supervisor and the process ids that it started, by name."""
    started: dict[str, list[int]] = {}
    service_log = ServiceLog(tmp_path / "logs")
    made = Supervisor(service_log, lambda name, pid: started.setdefault(name, []).append(pid))
    yield made, started, service_log
    made.stop()
    service_log.close()


def wait_for(condition: Callable[[], object], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_killed_child_is_restarted_and_logged(running, monkeypatch):
    monkeypatch.setattr(module, "MIN_DELAY", 0.05)
    made, started, service_log = running
    made.start([python("sleeper", SLEEP)])
    wait_for(lambda: started.get("sleeper"))
    os.kill(started["sleeper"][0], signal.SIGKILL)
    wait_for(lambda: len(started["sleeper"]) == 2)
    assert "was killed by SIGKILL" in service_log.path("sleeper").read_text()


def test_child_that_cannot_start_is_reported_with_its_log(running, monkeypatch):
    monkeypatch.setattr(module, "MIN_DELAY", 0.05)
    made, _, service_log = running
    with pytest.raises(ServiceError, match=r"broken does not start: see .*broken\.log"):
        made.start([python("broken", "raise SystemExit('no such thing')", is_ready=lambda: False)])
    log = service_log.path("broken").read_text()
    assert "no such thing" in log
    assert "ended with exit code 1" in log


def test_stop_ends_children_and_grandchildren(running):
    made, started, _ = running
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {SLEEP!r}])"
    made.start([python("parent", code)])
    wait_for(lambda: started.get("parent") and psutil.Process(started["parent"][0]).children())
    family = [psutil.Process(started["parent"][0]), *psutil.Process(started["parent"][0]).children()]
    made.stop()
    wait_for(lambda: not any(map(is_alive, family)))


def test_child_that_ignores_sigterm_is_killed_after_its_grace_period(running):
    made, started, service_log = running
    made.start([python("stubborn", STUBBORN, grace=0.3)])
    wait_for(partial(says_up, service_log, "stubborn"))
    made.stop()
    assert not psutil.pid_exists(started["stubborn"][0])
    assert "is killed" in service_log.path("stubborn").read_text()


def test_groups_stop_in_reverse_order(running, tmp_path):
    made, _, service_log = running
    code = (
        "import signal, sys, time\n"
        f"note = lambda *_: (open({str(tmp_path / 'order')!r}, 'a').write(sys.argv[1]), sys.exit())\n"
        "signal.signal(signal.SIGTERM, note); print('up'); time.sleep(60)"
    )
    for name in "ab":
        command = (sys.executable, "-S", "-c", code, name)
        made.start([Program(name=name, command=command)])
        wait_for(partial(says_up, service_log, name))
    made.stop()
    assert (tmp_path / "order").read_text() == "ba"


def test_children_end_when_their_supervisor_is_killed(tmp_path):
    code = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from oyl.embedded.service_log import ServiceLog\n"
        "from oyl.embedded.program import Program\n"
        "from oyl.embedded.supervisor import Supervisor\n"
        f"note = lambda name, pid: Path({str(tmp_path / 'pid')!r}).write_text(str(pid))\n"
        f"made = Supervisor(ServiceLog(Path({str(tmp_path)!r})), note)\n"
        f"made.start([Program(name='child', command=(sys.executable, '-S', '-c', {SLEEP!r}))])\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=module.ROOT)
    wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    child = psutil.Process(int((tmp_path / "pid").read_text()))
    wait_for(lambda: child.name() != "setpriv")
    parent.kill()
    parent.wait()
    wait_for(lambda: not is_alive(child))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended with exit code 0"),
        (3, "ended with exit code 3"),
        (-15, "was killed by SIGTERM"),
        (-9, "was killed by SIGKILL (out of memory, or kill -9)"),
    ],
)
def test_exit_codes_are_described(code, words):
    assert describe_exit(code) == words
