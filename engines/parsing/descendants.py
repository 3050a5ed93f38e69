"""Ends all processes that a parser process has started, also those that have left its process group."""

from __future__ import annotations

import ctypes
import os
import signal
from contextlib import suppress
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Make descendants whose parents end this process's children."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_all() -> None:
    """Kill all descendants, and wait until none is left. Needs `adopt_orphans`, or a process id namespace."""
    with suppress(ChildProcessError):
        while True:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            if os.getpid() == 1:  # then these are all other processes of the namespace
                os.kill(-1, signal.SIGKILL)
            else:
                _kill_children()
            os.waitpid(-1, 0)


def _kill_children() -> None:
    """The children of killed ones become this process's children, and are killed in the next round."""
    for entry in Path("/proc").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if entry.name.isdigit() and _parent(entry) == os.getpid():
                os.kill(int(entry.name), signal.SIGKILL)


def _parent(process: Path) -> int:
    return int((process / "stat").read_text().rpartition(")")[2].split()[1])
