"""OYL does not run as root: a process that root has started continues as an ordinary user, without any privilege."""

from __future__ import annotations

import ctypes
import os
import pwd
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

# The first one that there is. An administrator makes the first one, so that OYL shares its user with no other program.
USERS = ("oyl", "nobody")
_CLONE_NEWNS, _MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x20000, 2, 4, 0x1000, 0x4000, 0x40000
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38
_DATA_FILES = {"instance.lock", "secrets.json", "users.lock", "demo.json"}
_libc = ctypes.CDLL(None, use_errno=True)


def is_root() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0


def leave(*, data: Path, code: Path) -> NoReturn:
    """Hand the data folder over to an ordinary user, and begin this program again as that user, for good. Exit if that is
    not possible."""
    user = next(entry for name in USERS if (entry := _find(name)))
    try:
        _hand_over(data, user)
        _open_ways({Path(sys.prefix), Path(sys.base_prefix), code, data}, user)
        _become(user)
        os.environ.update(HOME=str(data), USER=user.pw_name, LOGNAME=user.pw_name)
        unreadable = [path for path in (sys.executable, code / "manage.py") if not os.access(path, os.R_OK)]
        if unreadable:
            raise PermissionError(f"{unreadable[0]} cannot be read by {user.pw_name}")
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606
    except OSError as error:
        sys.exit(
            f"OYL does not run as root, and could not continue as the user {user.pw_name}: {error}. Start it as an ordinary"
            " user who can read its code and Python, or set OYL_ALLOW_ROOT=true, which leaves hostile files fewer obstacles."
        )


def _find(name: str) -> pwd.struct_passwd | None:
    with suppress(KeyError):
        return pwd.getpwnam(name)
    return None


def _hand_over(folder: Path, user: pwd.struct_passwd) -> None:
    """Make the user the owner of what root, or PostgreSQL for root, has written here. The folder itself comes last, so that
    an interrupted start does it again."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid == user.pw_uid:
        return
    names = {entry.name for entry in folder.iterdir()} - {"lost+found"}
    if names and not names & _DATA_FILES:
        raise FileExistsError(f"{folder} has files, but is no data folder of OYL")
    owners = {0, pwd.getpwnam("nobody").pw_uid}
    for _, folders, files, handle in os.fwalk(folder, topdown=False):
        for name in (*folders, *files):
            found = os.stat(name, dir_fd=handle, follow_symlinks=False)
            # A file with a second name may be one that is elsewhere.
            if found.st_uid in owners and (stat.S_ISDIR(found.st_mode) or found.st_nlink == 1):
                os.chown(name, user.pw_uid, user.pw_gid, dir_fd=handle, follow_symlinks=False)
    os.chown(folder, user.pw_uid, user.pw_gid)


def _open_ways(needed: Iterable[Path], user: pwd.struct_passwd) -> None:
    """Where these folders are below one that the user cannot enter, such as /root, cover that one, for this process and its
    children, by an empty folder that has nothing but them. Raise OSError."""
    paths = sorted({place for path in needed for place in (path.absolute(), path.resolve())})
    closed = {way for path in paths if (way := _first_closed(path, user))}
    if not closed:
        return
    _check(_libc.unshare(_CLONE_NEWNS))
    _check(_libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None))
    for way in closed:
        below = [path for path in paths if way in path.parents]
        inside = [path for path in below if not set(path.parents) & set(below)]
        handles = {path: os.open(path, os.O_PATH) for path in inside}
        _check(_libc.mount(b"tmpfs", bytes(way), b"tmpfs", _MS_NOSUID | _MS_NODEV, b"mode=0755,size=1m"))
        for path, handle in handles.items():
            for folder in (*reversed(path.parents), path):
                if way in folder.parents and not folder.exists():
                    folder.mkdir()
                    folder.chmod(0o755)
            source = f"/proc/self/fd/{handle}".encode()
            _check(_libc.mount(source, bytes(path), None, _MS_BIND | _MS_REC, None))
            os.close(handle)


def _first_closed(path: Path, user: pwd.struct_passwd) -> Path | None:
    for folder in reversed(path.parents):
        found = folder.stat()
        is_owner, is_group = found.st_uid == user.pw_uid, found.st_gid == user.pw_gid
        bit = stat.S_IXUSR if is_owner else stat.S_IXGRP if is_group else stat.S_IXOTH
        if not found.st_mode & bit:
            return folder
    return None


def _become(user: pwd.struct_passwd) -> None:
    """For good: neither this process nor a program that it starts gets a privilege again."""
    folder = Path.cwd()
    capability = 0
    while _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    os.setgroups([])
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    try:
        os.chdir(folder)  # which may be covered now
    except OSError:
        os.chdir("/")


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
