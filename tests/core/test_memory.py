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


ARENAS_SCRIPT = """
import ctypes, sys, threading
from core.memory import share_arenas

share_arenas(int(sys.argv[1]))
threads = [threading.Thread(target=lambda: [bytes(2000) for _ in range(20_000)]) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info(0, ctypes.c_void_p(libc.fdopen(1, b"w")))
libc.fflush(None)
"""


def test_threads_share_arenas() -> None:
    shown = [
        subprocess.run(
            [sys.executable, "-c", ARENAS_SCRIPT, most], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for most in ("8", "2")
    ]
    many, few = (text.count("<heap nr=") for text in shown)
    assert many > few
    assert few <= 2
