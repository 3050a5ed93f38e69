"""What a parser process gives up before it touches a file: network, memory, outliving its worker."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from typing import Any

from engines.parsing import socket_filter
from engines.parsing.job import Limits

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_OPEN_FILES = 256
_UNTRIMMED_MB = 8
_libc = ctypes.CDLL(None, use_errno=True)
_held_after_trim = [0]


def enter(limits: Limits) -> None:
    die_with_parent()
    _leave_network()
    _cap(resource.RLIMIT_AS, limits.memory_mb << 20)
    _cap(resource.RLIMIT_FSIZE, limits.output_mb << 20)
    _cap(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _cap(resource.RLIMIT_CORE, 0)


def die_with_parent() -> None:
    """The kernel kills this process when the thread that started it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def allow_cpu(seconds: int) -> None:
    """CPU time for the next job. A second line behind the worker's clock: it also ends an orphan."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 2, hard))


def resident_mb() -> int:
    """What is still held after a file. The allocator gives back what it keeps for later when that may be much: to ask it
    takes as long as to read a small file."""
    if _held_mb() > _held_after_trim[0] + _UNTRIMMED_MB:
        _libc.malloc_trim(0)
        _held_after_trim[0] = _held_mb()
    return _held_mb()


def _held_mb() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - read after every file
        return int(statm.read().split()[1]) * resource.getpagesize() >> 20


def is_memory_spent(limits: Limits) -> bool:
    """Whether this process came near its limit: C libraries often report that as some other error."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:  # noqa: PTH123
        peak = next((int(line.split()[1]) for line in status if line.startswith("VmPeak:")), 0)
    return peak >> 10 >= limits.memory_mb * 0.9


def _cap(kind: int, wanted: int) -> None:
    _, hard = resource.getrlimit(kind)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (limit, limit))


def _leave_network() -> None:
    """An empty network namespace where the kernel permits it, and no sockets in any case."""
    if _libc.unshare(_CLONE_NEWNET) != 0:
        _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    socket_filter.forbid()
    sys.addaudithook(_refuse_sockets)


def _refuse_sockets(event: str, _args: tuple[Any, ...]) -> None:
    if event.startswith("socket.") and event != "socket.__new__":
        raise PermissionError(f"A parser has no network ({event}, process {os.getpid()}).")
