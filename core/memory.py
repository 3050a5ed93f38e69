"""Return freed memory to the system, which the C library keeps in an arena of each thread."""

from __future__ import annotations

import ctypes
import time

_EVERY_SECONDS = 5.0
_malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it; other libraries keep less
_last_trim = [0.0]


def trim_memory() -> None:
    """Call after each batch. A trim takes some milliseconds, so it is done every few seconds at most."""
    if _malloc_trim and time.monotonic() - _last_trim[0] > _EVERY_SECONDS:
        _last_trim[0] = time.monotonic()
        _malloc_trim(0)
