"""A filter (seccomp) that lets a process, and programs that it starts, make only the system calls of a list.

So it refuses also those that future kernels will have. What files may be opened is left to Landlock. Unlike namespaces, the
filter is permitted in every container.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from typing import NamedTuple

from engines.parsing.system_call_numbers import ALL_BITS, ALLOWED, CHOICES, CLONE, SIGNALS, STARTING, Choice

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_GET_SECCOMP, _MODE_FILTER = 38, 22, 21, 2
_LOAD, _AND, _IF_EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _ARGUMENT_BYTES = (
    0,
    4,
    16,
    8,
)  # offsets in the kernel's `seccomp_data`
_ALLOW, _REFUSE, _ABSENT = 0x7FFF0000, 0x00050000 | errno.EACCES, 0x00050000 | errno.ENOSYS
_NEW_NAMESPACE_FLAGS = 0x7E020000  # of `clone`: CLONE_NEW…
_THREAD_FLAG = 0x10000
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


class _Instruction(NamedTuple):
    """As in `struct sock_filter`: operation, instructions to skip if true and if false, operand."""

    operation: int
    if_true: int
    if_false: int
    operand: int


def is_available() -> bool:
    """Return whether this machine is known, and its kernel has filters."""
    return platform.machine() in _ARCHITECTURES and ctypes.CDLL(None).prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0


def restrict(*, may_start_programs: bool) -> None:
    """Install the filter for the rest of this process's life; a second one can only take more away. Raise OSError; do
    nothing where there are no filters."""
    if not is_available():
        return
    machine = list(_ARCHITECTURES).index(platform.machine())
    instructions = _instructions(machine, os.getpid(), may_start_programs=may_start_programs)
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
    program = _Program(len(instructions), code)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "The filter of system calls could not be installed")


def _instructions(machine: int, pid: int, *, may_start_programs: bool) -> list[_Instruction]:
    """The filter's program. `machine` chooses the column of numbers; signals to `pid` itself are permitted.

    To a call that is not in the list, it answers as a kernel that does not have it: libraries then use another one. This
    applies to `clone3`, too, whose flags are in memory that a filter cannot read.
    """
    if may_start_programs:
        allowed, clone = ALLOWED | STARTING, Choice(CLONE, 0, (0,), _NEW_NAMESPACE_FLAGS)
    else:
        mask = _NEW_NAMESPACE_FLAGS | _THREAD_FLAG
        allowed, clone = ALLOWED, Choice(CLONE, 0, (_THREAD_FLAG,), mask)
    choices = [*CHOICES.values(), clone, *(Choice(numbers, 0, (pid,)) for numbers in SIGNALS.values())]
    return [
        _Instruction(_LOAD, 0, 0, _ARCHITECTURE),
        _Instruction(_IF_EQUAL, 1, 0, list(_ARCHITECTURES.values())[machine]),
        _Instruction(_RETURN, 0, 0, _ABSENT),
        _Instruction(_LOAD, 0, 0, _NUMBER),
        *(step for numbers in allowed.values() for step in _allow_if(numbers[machine])),
        *(step for choice in choices for step in _choose(choice, machine)),
        _Instruction(_RETURN, 0, 0, _ABSENT),
    ]


def _allow_if(value: int) -> list[_Instruction]:
    return [
        _Instruction(_IF_EQUAL, 0, 1, value & ALL_BITS),
        _Instruction(_RETURN, 0, 0, _ALLOW),
    ]


def _choose(choice: Choice, machine: int) -> list[_Instruction]:
    """Decide a system call by one of its arguments."""
    steps = [
        _Instruction(_LOAD, 0, 0, _FIRST_ARGUMENT + _ARGUMENT_BYTES * choice.argument),
        _Instruction(_AND, 0, 0, choice.mask),
        *(step for value in choice.values for step in _allow_if(value)),
        _Instruction(_RETURN, 0, 0, _REFUSE),
    ]
    return [_Instruction(_IF_EQUAL, 0, len(steps), choice.numbers[machine] & ALL_BITS), *steps]
