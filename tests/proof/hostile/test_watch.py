"""Zombie processes do not count as children, and do not hide the memory of others."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.proof.hostile import watch


def test_zombie_processes_are_ignored() -> None:
    with _process_with_zombie() as (parent, zombie):
        assert watch.descendants(parent) == set()
        assert zombie not in watch.children(os.getpid())
        with watch.watch_process(parent) as observed:
            time.sleep(3 * watch.PERIOD_SECONDS)
    assert observed.worker_mb > 0
    assert observed.tree_mb > 0


@contextmanager
def _process_with_zombie() -> Iterator[tuple[int, int]]:
    """Yield the pids of a process and of its zombie. The process keeps the Popen object, which would otherwise wait for the
    child when it is garbage-collected."""
    script = "import subprocess as s, time; p = s.Popen(['true']); print(p.pid, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout
        zombie = int(process.stdout.readline())
        while ") Z " not in Path(f"/proc/{zombie}/stat").read_text():
            time.sleep(0.01)
        yield process.pid, zombie
        process.kill()
