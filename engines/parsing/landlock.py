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


class Ruleset:
    """Grants, which `restrict` then enforces for the rest of this process's life. Where the kernel has no Landlock, it does
    nothing. The methods raise OSError."""

    def __init__(self) -> None:
        """It will refuse all files, all TCP connections, and abstract sockets and signals of others."""
        self._version = abi()
        self._files = (1 << _FILE_RIGHTS.get(self._version, 16)) - 1
        if self._version:
            rights = (
                self._files,
                _TCP_RIGHTS if self._version >= 4 else 0,
                _SCOPES if self._version >= 6 else 0,
            )
            size = 8 if self._version < 4 else 16 if self._version < 6 else 24
            packed = struct.pack("=QQQ", *rights)
            self._handle = _check(_libc.syscall(_CREATE_RULESET, packed, ctypes.c_size_t(size), 0))

    def allow_reading(self, paths: Iterable[str]) -> None:
        """Grant what is below these paths for reading and execution. Those that do not exist are ignored."""
        for path in paths:
            self._allow_path(path, _READ)

    def allow_reading_file(self, handle: int) -> None:
        """Grant one file, wherever it is: it may have no name any more."""
        self._allow(handle, _READ_FILE)

    def allow_writing(self, paths: Iterable[str]) -> None:
        """Grant what is below these paths for everything but devices and pipes."""
        for path in paths:
            self._allow_path(path, self._files & ~(_MAKE_DEVICE | _MAKE_FIFO | _MAKE_BLOCK))

    def restrict(self) -> None:
        if self._version:
            _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
            _check(_libc.syscall(_RESTRICT_SELF, self._handle, 0))
            os.close(self._handle)

    def _allow_path(self, path: str, rights: int) -> None:
        try:
            handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return
        try:
            self._allow(handle, rights)
        finally:
            os.close(handle)

    def _allow(self, handle: int, rights: int) -> None:
        if not self._version:
            return
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights & self._files, handle)
        _check(_libc.syscall(_ADD_RULE, self._handle, _PATH_BENEATH, rule, 0))


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {os.strerror(number)}")
    return result
