"""Landlock: the kernel lets this process, and every program that it starts, use only the files it was granted.

It needs no privilege. Kernels since 5.13 have it, unless it was switched off at boot. Each version of its interface (ABI)
restricts more: https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every machine
_GET_ABI, _PATH_BENEATH, _PR_SET_NO_NEW_PRIVS = 1, 1, 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_DEVICE, _MAKE_FIFO, _MAKE_BLOCK = 1 << 6, 1 << 10, 1 << 11
_TRUNCATE, _IOCTL_DEVICE = 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
# The rights that each ABI knows: files and folders, TCP (since 4), abstract sockets and signals (since 6).
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_TCP_RIGHTS, _SCOPES = 3, 3
_libc = ctypes.CDLL(None, use_errno=True)


def abi() -> int:
    """Return the version of the kernel's interface; 0 if it has no Landlock, or Landlock is off."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _GET_ABI)))


def restrict(*, read: Iterable[Path], write: Iterable[Path]) -> None:
    """Grant what is below the `read` paths for reading and execution, and what is below `write` for everything but devices
    and pipes; refuse all other files, all TCP connections, and abstract sockets and signals of others. Paths that do not
    exist are ignored. Raise OSError; do nothing where the kernel has no Landlock."""
    version = abi()
    if not version:
        return
    files = (1 << _FILE_RIGHTS.get(version, 16)) - 1
    scopes = struct.pack("=QQQ", files, _TCP_RIGHTS if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = _check(_libc.syscall(_CREATE_RULESET, scopes, ctypes.c_size_t(size), 0))
    for path in read:
        _allow(ruleset, path, _READ & files)
    for path in write:
        _allow(ruleset, path, files & ~(_MAKE_DEVICE | _MAKE_FIFO | _MAKE_BLOCK))
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _check(_libc.syscall(_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= _OF_FILES
        _check(_libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, handle), 0))
    finally:
        os.close(handle)


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {os.strerror(number)}")
    return result
