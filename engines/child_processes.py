"""What processes that OYL starts have in common."""

from __future__ import annotations

import ctypes
import signal

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends. Linux only."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
