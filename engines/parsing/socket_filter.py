"""A seccomp filter that permits no sockets but those of this machine's files, also in programs started later.

An empty network namespace does more, but in most containers the kernel refuses one; this filter is always permitted.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in the kernel's `seccomp_data`
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EACCES
_AF_UNIX, _IO_URING_SETUP = 1, 425  # operations of io_uring bypass filters
_OTHER_ABI = 0x40000000  # the numbers of x32 begin here
# By machine: the architecture's number, and that of the system call `socket`.
_ARCHITECTURES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def install() -> None:
    """Install the filter for the rest of this process's life. Do nothing where the kernel has no filters."""
    if platform.machine() not in _ARCHITECTURES:
        return
    architecture, socket = _ARCHITECTURES[platform.machine()]
    # As in `struct sock_filter`: operation, instructions to skip if true and if false, operand.
    instructions = (
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
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
    program = _Program(len(instructions), code)
    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0)
