"""Ends all processes that a parser process has started, also those that have left its process group."""

from __future__ import annotations

import ctypes
import os
import signal
from contextlib import suppress
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def adopt_orphans() -> None:
    """Make descendants whose parents end this process's children."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_all() -> None:
    """Kill all descendants, and wait until none is left. Needs `adopt_orphans`, or a process id namespace."""
    with suppress(ChildProcessError):
        while True:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            kill_children()
            os.waitpid(-1, 0)


def resident_bytes() -> int:
    """Return the memory of all descendants; what several share counts for each."""
    processes = _processes()
    pages, found = (
        0,
        {int(Path("/proc/self").readlink().name)},
    )  # /proc may number processes otherwise than `getpid`
    while found:
        found = {pid for pid, (parent, _) in processes.items() if parent in found}
        pages += sum(processes[pid][1] for pid in found)
    return pages * _PAGE_BYTES


def kill_children() -> None:
    """Kill the children of this process, or all processes of its namespace if it is the first one there. It does not wait.
    The children of killed ones become this process's children."""
    if os.getpid() == 1:
        with suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        return
    for pid, (parent, _) in _processes().items():
        if parent == os.getpid():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _processes() -> dict[int, tuple[int, int]]:
    """{process: its parent, and the pages that it has in memory}, as /proc numbers them."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
                found[int(entry.name)] = int(fields[1]), int(fields[21])
    return found
