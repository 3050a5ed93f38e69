"""The memory that the C library keeps in the arenas of threads."""

from __future__ import annotations

import ctypes
import time

_EVERY_SECONDS = 5.0
_M_ARENA_MAX = -8  # malloc.h
# glibc has both; other libraries keep less.
_libc = ctypes.CDLL(None)
_malloc_trim = getattr(_libc, "malloc_trim", None)
_mallopt = getattr(_libc, "mallopt", None)
_last_trim = [0.0]


def share_arenas(most: int) -> None:
    """Let all threads share so many arenas. Call it before threads are started: glibc makes an arena for each of the first
    eight threads per core, and each keeps what its largest batch took."""
    if _mallopt:
        _mallopt(_M_ARENA_MAX, most)


def trim_memory() -> None:
    """Return freed memory to the system. Call it after each batch. A trim takes some milliseconds, so it is done every few
    seconds at most."""
    if _malloc_trim and time.monotonic() - _last_trim[0] > _EVERY_SECONDS:
        _last_trim[0] = time.monotonic()
        _malloc_trim(0)
