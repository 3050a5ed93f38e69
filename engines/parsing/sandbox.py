"""What a parser process gives up before it opens a file: the network, memory without limit, and outliving its worker."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from typing import Any

from engines.child_processes import die_with_parent
from engines.parsing import socket_filter
from engines.parsing.job import Limits

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_MAX_OPEN_FILES = 256
_TRIM_AFTER_MB = 8
_libc = ctypes.CDLL(None, use_errno=True)
_resident_mb_after_trim = [0]


def enter(limits: Limits) -> None:
    die_with_parent()
    # An empty network namespace where the kernel permits it, and no sockets in any case.
    if _libc.unshare(_CLONE_NEWNET) != 0:
        _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    socket_filter.install()

    def refuse_sockets(event: str, _args: tuple[Any, ...]) -> None:
        if event.startswith("socket.") and event != "socket.__new__":
            raise PermissionError(f"A parser has no network ({event}, process {os.getpid()}).")

    sys.addaudithook(refuse_sockets)
    for kind, wanted in (
        (resource.RLIMIT_AS, limits.memory_mb << 20),
        (resource.RLIMIT_FSIZE, limits.output_mb << 20),
        (resource.RLIMIT_NOFILE, _MAX_OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (limit, limit))


def allow_cpu(seconds: int) -> None:
    """Limit the CPU time of the next file. This backs up the worker's timeout, and also ends an orphaned process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 2, hard))


def resident_mb() -> int:
    """Return what is still held after a file. First have the allocator release its free memory if that may be much: this
    takes as long as parsing a small file."""
    if _read_resident_mb() > _resident_mb_after_trim[0] + _TRIM_AFTER_MB:
        _libc.malloc_trim(0)
        _resident_mb_after_trim[0] = _read_resident_mb()
    return _read_resident_mb()


def _read_resident_mb() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - read after every file
        return int(statm.read().split()[1]) * resource.getpagesize() >> 20


def is_memory_exhausted(limits: Limits) -> bool:
    """Return whether this process came near its limit, which C libraries often report as some other error."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:  # noqa: PTH123
        peak = next((int(line.split()[1]) for line in status if line.startswith("VmPeak:")), 0)
    return peak >> 10 >= limits.memory_mb * 0.9
