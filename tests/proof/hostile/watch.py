"""Watches the memory, processes and network of a worker and its descendants from outside."""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

PERIOD_SECONDS = 0.2
PARSER = "engines.parsing.child_process"
_PR_SET_CHILD_SUBREAPER = 36
_PROCESS_GONE = (FileNotFoundError, ProcessLookupError, PermissionError)
_DEAD_STATES = "ZX"


@dataclass(slots=True)
class Observed:
    """The highest values in megabytes, and all `parsers` that ran. `sharing_network` are the parsers in the worker's network
    namespace; `packets` is the number in the namespaces of the others."""

    worker_mb: int = 0
    parser_mb: int = 0
    tree_mb: int = 0
    parsers: set[int] = field(default_factory=set)
    max_parsers: int = 0
    sharing_network: set[int] = field(default_factory=set)
    packets: int = 0


@contextmanager
def watch_process(pid: int, period: float = PERIOD_SECONDS) -> Iterator[Observed]:
    observed, stop = Observed(), threading.Event()

    def observe() -> None:
        while not stop.wait(period):
            _observe(pid, observed)

    thread = threading.Thread(target=observe, name="watch", daemon=True)
    thread.start()
    try:
        yield observed
    finally:
        stop.set()
        thread.join()


@contextmanager
def child_subreaper() -> Iterator[None]:
    """Make orphaned descendants this process's children, so that they can be found."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0)


def memory_mb(pid: int, field: str = "VmRSS", file: str = "status") -> int:
    lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    return next((int(line.split()[1]) >> 10 for line in lines if line.startswith(f"{field}:")), 0)


def command(pid: int) -> str:
    with suppress(*_PROCESS_GONE):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return f"process {pid}"


def children(pid: int) -> set[int]:
    return _process_tree()[pid]


def descendants(pid: int) -> set[int]:
    children_of, pids, stack = _process_tree(), set[int](), [pid]
    while stack:
        new = children_of[stack.pop()] - pids
        pids |= new
        stack += new
    return pids


def _process_tree() -> dict[int, set[int]]:
    """Return the children of every process, without zombies."""
    children_of: dict[int, set[int]] = defaultdict(set)
    for entry in Path("/proc").iterdir():
        with suppress(*_PROCESS_GONE):
            if entry.name.isdigit():
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state not in _DEAD_STATES:
                    children_of[int(parent)].add(int(entry.name))
    return children_of


def is_parser(pid: int) -> bool:
    """Return whether it is a process that parses a file: it has entered its sandbox, which limits its memory."""
    with suppress(*_PROCESS_GONE):
        return PARSER in command(pid) and _has_memory_limit(pid)
    return False


def is_warm_parser(pid: int) -> bool:
    """Return whether it is a process that stays, and starts those of files."""
    with suppress(*_PROCESS_GONE):
        return PARSER in command(pid) and not _has_memory_limit(pid)
    return False


def _has_memory_limit(pid: int) -> bool:
    limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return any(line.startswith("Max address space") and "unlimited" not in line for line in limits)


def _observe(pid: int, observed: Observed) -> None:
    """Processes that end meanwhile are ignored."""
    processes = descendants(pid)
    parsers = set(filter(is_parser, processes))
    observed.parsers |= parsers
    observed.max_parsers = max(observed.max_parsers, len(parsers))
    observed.tree_mb = max(observed.tree_mb, sum(map(_proportional_mb, {pid, *processes})))
    with suppress(*_PROCESS_GONE):
        observed.worker_mb = max(observed.worker_mb, memory_mb(pid))
    for parser in parsers:
        with suppress(*_PROCESS_GONE):
            _observe_parser(parser, observed)


def _observe_parser(pid: int, observed: Observed) -> None:
    observed.parser_mb = max(observed.parser_mb, memory_mb(pid, "VmHWM"))
    if _network(pid) == _network(os.getpid()):
        observed.sharing_network.add(pid)
    else:
        observed.packets = max(observed.packets, _packets(pid))


def _proportional_mb(pid: int) -> int:
    with suppress(*_PROCESS_GONE):
        return memory_mb(pid, "Pss", "smaps_rollup")
    return 0


def _network(pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/net").readlink())


def _packets(pid: int) -> int:
    """Return the number of packets sent and received in its network namespace."""
    lines = Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]
    columns = [line.partition(":")[2].split() for line in lines]
    return sum(int(column[1]) + int(column[9]) for column in columns)


def can_unshare_network() -> bool:
    """Return whether the kernel permits this user's processes a network namespace."""
    result = subprocess.run(["unshare", "--map-root-user", "--net", "true"], capture_output=True, check=False)
    return result.returncode == 0
