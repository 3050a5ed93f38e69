"""A worker does not keep what its batches took."""

from __future__ import annotations

import subprocess
import sys

from oyl.embedded.supervisor import ROOT

# Each thread frees all but a few of its pieces, which keep its pool from shrinking.
SCRIPT = """
import threading
from core.memory import trim_memory

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096 >> 20

def work():
    pieces = [bytes(2000) for _ in range(20_000)]
    kept.append(pieces[::100])

kept = []
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
before = resident()
trim_memory()
print(before - resident())
"""


def test_freed_memory_goes_back_to_the_system() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 50
