"""No sockets but those of this machine's files: a filter in the kernel, which programs started later inherit.

An empty network namespace does more, but in most containers the kernel grants none; this it grants everybody.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # where they stand in the kernel's `seccomp_data`
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EACCES
_AF_UNIX, _IO_URING_SETUP = 1, 425  # what io_uring is asked for passes no filter
_OTHER_ABI = 0x40000000  # x32's numbers begin here
# By machine: the architecture's number, and that of the system call `socket`.
_KNOWN = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def forbid() -> None:
    """For the rest of this process's life, and its children's. Where the kernel has no filters, nothing happens."""
    if platform.machine() not in _KNOWN:
        return
    instructions = b"".join(_instructions(*_KNOWN[platform.machine()]))
    program = _Program(len(instructions) // 8, instructions)
    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0)


def _instructions(architecture: int, socket: int) -> list[bytes]:
    """As `struct sock_filter` has them: what to do, how many to pass over if so and if not, a number."""
    return [
        struct.pack("=HBBI", *instruction)
        for instruction in (
            (_LOAD, 0, 0, _ARCHITECTURE),
            (_IF_EQUAL, 0, 7, architecture),
            (_LOAD, 0, 0, _NUMBER),
            (_IF_AT_LEAST, 5, 0, _OTHER_ABI),
            (_IF_EQUAL, 4, 0, _IO_URING_SETUP),
            (_IF_EQUAL, 0, 2, socket),
            (_LOAD, 0, 0, _FIRST_ARGUMENT),
            (_IF_EQUAL, 0, 1, _AF_UNIX),
            (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, _REFUSE),
        )
    ]
