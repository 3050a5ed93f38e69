"""Namespaces of a parser process: no network, no other processes, and a file system in memory of its own for each file."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import NoReturn

_CLONE_NEWNS, _CLONE_NEWUTS, _CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
_CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REMOUNT = 1, 2, 4, 32
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_LOCKED_FLAGS = _MS_NOSUID | _MS_NODEV | 8  # a user may not take them off again; 8 is MS_NOEXEC
SHARED_FOLDERS = ("/tmp", "/var/tmp")  # noqa: S108 - those of all users
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
    return True


def mount_folder(folder: str, size_mb: int) -> None:
    """Cover the folder by one in memory, for this process and those that it starts. Its size is limited, and it disappears
    with them. Of the temporary folders of all users, one becomes read-only, and the other one becomes this folder. Raise
    OSError."""
    options = f"size={size_mb}m,nr_inodes={_MAX_FILES},mode=0700".encode()
    path, (read_only, replaced) = os.fsencode(folder), map(os.fsencode, SHARED_FOLDERS)
    _check(_libc.unshare(_CLONE_NEWNS))
    flags = os.statvfs(read_only).f_flag & _LOCKED_FLAGS
    _libc.mount(read_only, read_only, None, _MS_BIND | _MS_REC, None)
    _libc.mount(None, read_only, None, _MS_BIND | _MS_REMOUNT | _MS_RDONLY | flags, None)
    _check(_libc.mount(b"tmpfs", path, b"tmpfs", _MS_NOSUID | _MS_NODEV, options))
    # LibreOffice makes its socket in the second one if it cannot write in the first one.
    if not path.startswith(replaced):
        _libc.mount(path, replaced, None, _MS_BIND, None)


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
