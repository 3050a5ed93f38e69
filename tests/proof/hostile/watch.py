"""What a worker and its descendants are seen to do from outside: memory, processes, network."""

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
_PR_SET_CHILD_SUBREAPER = 36
_GONE = (FileNotFoundError, ProcessLookupError, PermissionError)
_ENDED = "ZX"


@dataclass(slots=True)
class Seen:
    """The highest values in megabytes; `parsers` are all there ever were. `shared` are those that had the worker's
    network, `packets` what the others' networks carried."""

    worker_mb: int = 0
    parser_mb: int = 0
    tree_mb: int = 0
    parsers: set[int] = field(default_factory=set)
    most_parsers: int = 0
    shared: set[int] = field(default_factory=set)
    packets: int = 0


@contextmanager
def watching(pid: int) -> Iterator[Seen]:
    seen, stop = Seen(), threading.Event()

    def look() -> None:
        while not stop.wait(PERIOD_SECONDS):
            _look(pid, seen)

    thread = threading.Thread(target=look, name="watch", daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


@contextmanager
def adopting() -> Iterator[None]:
    """Descendants whose parents end become this process's children, so that none is lost from sight."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0)


def megabytes(pid: int, field: str = "VmRSS", file: str = "status") -> int:
    lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    return next((int(line.split()[1]) >> 10 for line in lines if line.startswith(f"{field}:")), 0)


def command(pid: int) -> str:
    with suppress(*_GONE):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return f"process {pid}"


def children(pid: int) -> set[int]:
    return _family_tree()[pid]


def descendants(pid: int) -> set[int]:
    tree, found, waiting = _family_tree(), set[int](), [pid]
    while waiting:
        new = tree[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def _family_tree() -> dict[int, set[int]]:
    """The children of every process. One that has ended, and of which only its status is left, is none."""
    found: dict[int, set[int]] = defaultdict(set)
    for entry in Path("/proc").iterdir():
        with suppress(*_GONE):
            if entry.name.isdigit():
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state not in _ENDED:
                    found[int(parent)].add(int(entry.name))
    return found


def is_parser(pid: int) -> bool:
    """Whether it reads documents, and has been through its jail's door, where memory is capped last but few."""
    with suppress(*_GONE):
        return "engines.parsing.child_process" in Path(f"/proc/{pid}/cmdline").read_text() and _is_capped(pid)
    return False


def _is_capped(pid: int) -> bool:
    limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return any(line.startswith("Max address space") and "unlimited" not in line for line in limits)


def _look(pid: int, seen: Seen) -> None:
    """Whoever ends meanwhile counts for nothing, and takes nothing from the others."""
    family = descendants(pid)
    parsers = set(filter(is_parser, family))
    seen.parsers |= parsers
    seen.most_parsers = max(seen.most_parsers, len(parsers))
    seen.tree_mb = max(seen.tree_mb, sum(map(_proportional_mb, {pid, *family})))
    with suppress(*_GONE):
        seen.worker_mb = max(seen.worker_mb, megabytes(pid))
    for one in parsers:
        with suppress(*_GONE):
            _look_at_parser(one, seen)


def _look_at_parser(pid: int, seen: Seen) -> None:
    seen.parser_mb = max(seen.parser_mb, megabytes(pid, "VmHWM"))
    if _network(pid) == _network(os.getpid()):
        seen.shared.add(pid)
    else:
        seen.packets = max(seen.packets, _packets(pid))


def _proportional_mb(pid: int) -> int:
    with suppress(*_GONE):
        return megabytes(pid, "Pss", "smaps_rollup")
    return 0


def _network(pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/net").readlink())


def _packets(pid: int) -> int:
    """Sent and received by all interfaces of its network."""
    lines = Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]
    counts = [line.partition(":")[2].split() for line in lines]
    return sum(int(count[1]) + int(count[9]) for count in counts)


def may_have_networks() -> bool:
    """Whether the kernel lets a process of this user have a network of its own."""
    done = subprocess.run(["unshare", "--map-root-user", "--net", "true"], capture_output=True, check=False)
    return done.returncode == 0
