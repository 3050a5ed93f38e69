"""What the attacks use: their targets, and system calls by their numbers."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Callable
from typing import Any

Targets = dict[str, Any]
Attack = Callable[[Targets], str]
MARK = "infected by the file of another tenant"
IS_X86 = platform.machine() == "x86_64"
libc = ctypes.CDLL(None, use_errno=True)


class Refused(Exception):
    """The attack finds nothing that it could take."""


def system_call(number: int, *arguments: object) -> int:
    result = int(libc.syscall(number, *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def by_machine(x86: int, arm: int) -> int:
    return x86 if IS_X86 else arm
