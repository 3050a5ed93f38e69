"""What is watched is alive: a process that has ended hides no other's memory, and is nobody's child."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.proof.hostile import watch


def test_a_dead_child_that_nobody_waited_for_is_passed_over() -> None:
    with _family() as (parent, dead):
        assert watch.descendants(parent) == set()
        assert dead not in watch.children(os.getpid())
        with watch.watching(parent) as seen:
            time.sleep(3 * watch.PERIOD_SECONDS)
    assert seen.worker_mb > 0
    assert seen.tree_mb > 0


@contextmanager
def _family() -> Iterator[tuple[int, int]]:
    """A process and its child; this has ended, and its parent has not asked how: it keeps the object, which would ask
    when it is thrown away."""
    script = "import subprocess as s, time; p = s.Popen(['true']); print(p.pid, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout
        dead = int(process.stdout.readline())
        while ") Z " not in Path(f"/proc/{dead}/stat").read_text():
            time.sleep(0.01)
        yield process.pid, dead
        process.kill()
