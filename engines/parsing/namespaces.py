"""Namespaces of a parser process: no network, no other processes, and a file system in memory of its own for each file."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import NoReturn

_CLONE_NEWNS, _CLONE_NEWUTS, _CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
_CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 0x1000, 0x4000, 0x40000
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE = 442, -100, 0x8000
_READ_ONLY = (ctypes.c_uint64 * 4)(1, 0, 0, 0)  # `struct mount_attr` with MOUNT_ATTR_RDONLY
_SOCKET_FOLDER = b"/var/tmp"  # LibreOffice makes its socket in it if it cannot write in /tmp
_CAPABILITY_VERSION = 0x20080522
_MAX_FILES = 100_000
_libc = ctypes.CDLL(None, use_errno=True)


def enter() -> bool:
    """Continue as the first process of new namespaces; the original process only waits for it, and ends with it. Return
    False, having changed nothing, where the kernel does not permit this.

    Everything that the first process starts ends with it. It must be called before `prepare_process`, because a process
    whose memory is protected cannot describe its user to the kernel.
    """
    uid, gid = os.getuid(), os.getgid()
    new = _CLONE_NEWUSER | _CLONE_NEWNS | _CLONE_NEWPID | _CLONE_NEWNET | _CLONE_NEWIPC | _CLONE_NEWUTS
    if _libc.unshare(new) != 0:
        return False
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    if pid := os.fork():
        _wait_for(pid)
    _libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None)
    _libc.mount(b"proc", b"/proc", b"proc", _MS_NOSUID | _MS_NODEV, None)  # no container permits this
    return True


def mount_folder(folder: str, size_mb: int) -> None:
    """Cover the folder by one in memory, for this process and those that it starts. Its size is limited, and it disappears
    with them. All else becomes read-only. Raise OSError."""
    options = f"size={size_mb}m,nr_inodes={_MAX_FILES},mode=0700".encode()
    path, size = os.fsencode(folder), ctypes.c_size_t(ctypes.sizeof(_READ_ONLY))
    _check(_libc.unshare(_CLONE_NEWNS))
    _check(_libc.syscall(_MOUNT_SETATTR, _AT_FDCWD, b"/", _AT_RECURSIVE, _READ_ONLY, size))
    _check(_libc.mount(b"tmpfs", path, b"tmpfs", _MS_NOSUID | _MS_NODEV, options))
    if not path.startswith(_SOCKET_FOLDER):
        _libc.mount(path, _SOCKET_FOLDER, None, _MS_BIND, None)


def drop_capabilities() -> None:
    """Give up what this user, or the first user of a namespace, may do beyond others."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()))


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"The sandbox of the parser could not be made: {os.strerror(number)}")


def _wait_for(pid: int) -> NoReturn:
    _, status = os.waitpid(pid, 0)
    os._exit(0 if status == 0 else 1)
