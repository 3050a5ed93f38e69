"""What a batch took goes back to the system: the C library would keep it, in a pool of each thread's own."""

from __future__ import annotations

import ctypes
import time

_EVERY_SECONDS = 5.0
_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; others keep less
_trimmed = [0.0]


def give_back() -> None:
    """To be called after each batch; it takes some milliseconds, so it is done every few seconds at most."""
    if _trim and time.monotonic() - _trimmed[0] > _EVERY_SECONDS:
        _trimmed[0] = time.monotonic()
        _trim(0)
