"""The process that runs the services of a data folder: it holds a file lock, and describes itself in `instance.json`."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from signal import SIGINT
from threading import Lock

import psutil

from oyl.embedded.errors import ServiceError
from oyl.embedded.layout import Layout


class InstanceKind(StrEnum):
    UP = "up"
    SERVICES = "services"
    COMMAND = "command"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceInfo:
    """The contents of `instance.json`. `created` is the start time of the process, `children` is
    {name: (process id, start time)}, `address` is the URL of `up`."""

    kind: InstanceKind
    pid: int
    created: float
    run: str
    address: str = ""
    ready: bool = False
    children: dict[str, tuple[int, float]] = field(default_factory=dict)


class Instance:
    """The lock of one data folder, whose holder runs the services: from `acquire` to `release`."""

    def __init__(self, layout: Layout, handle: int, info: InstanceInfo) -> None:
        self._layout, self._handle, self._info, self._lock = layout, handle, info, Lock()
        self._write_info(info)

    def child_started(self, name: str, pid: int) -> None:
        """Record a child, so that the next instance can end it after a crash of this process. Thread-safe."""
        with self._lock, suppress(psutil.NoSuchProcess, FileNotFoundError):
            children = {**self._info.children, name: (pid, _start_time(psutil.Process(pid)))}
            self._write_info(replace(self._info, children=children))

    def mark_ready(self) -> None:
        with self._lock:
            self._write_info(replace(self._info, ready=True))

    def release(self) -> None:
        _info_path(self._layout).unlink(missing_ok=True)
        shutil.rmtree(self._layout.run, ignore_errors=True)
        os.close(self._handle)

    def _write_info(self, info: InstanceInfo) -> None:
        self._info = info
        draft = _info_path(self._layout).with_suffix(".draft")
        draft.write_text(json.dumps(asdict(info)))
        draft.replace(_info_path(self._layout))


def acquire(layout: Layout, kind: InstanceKind, *, address: str = "") -> Instance | None:
    """Take the lock, and stop the children of a crashed instance. None while another process holds the lock."""
    layout.data.mkdir(parents=True, exist_ok=True)
    handle = os.open(layout.data / "instance.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    _stop_leftovers(layout)
    _make_run_folder(layout.run)
    created = _start_time(psutil.Process())
    info = InstanceInfo(kind=kind, pid=os.getpid(), created=created, run=str(layout.run), address=address)
    return Instance(layout, handle, info)


def running_instance(layout: Layout) -> InstanceInfo | None:
    """The instance that runs the services now, or None."""
    info = _read_info(layout)
    if info is None or not _find_process((info.pid, info.created)):
        return None
    if info.run != str(layout.run):
        raise ServiceError(
            f"Process {info.pid} runs this instance with its sockets in {info.run}, but here they are "
            f"looked for in {layout.run}. Give both the same TMPDIR."
        )
    return info


def runs_as_root(layout: Layout) -> bool:
    info = _read_info(layout)
    process = _find_process((info.pid, info.created)) if info else None
    return bool(process and process.uids().effective == 0)


def _info_path(layout: Layout) -> Path:
    return layout.data / "instance.json"


def _read_info(layout: Layout) -> InstanceInfo | None:
    try:
        stored = json.loads(_info_path(layout).read_text())
    except FileNotFoundError:
        return None
    children = {name: (pid, created) for name, (pid, created) in stored.pop("children").items()}
    return InstanceInfo(**{**stored, "kind": InstanceKind(stored["kind"]), "children": children})


def _make_run_folder(folder: Path) -> None:
    """The sockets' folder is in a directory that all users share: it must be a folder, and belong to this user."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ServiceError(
            f"{folder} is not this user's own folder. Remove it, or set TMPDIR to another place."
        )
    folder.chmod(0o700)


def _stop_leftovers(layout: Layout, seconds: float = 5) -> None:
    """End the children of an instance that was killed. On Linux the kernel has already sent them a signal
    (Program.argv), so this mostly waits. SIGINT stops each of them gracefully."""
    info = _read_info(layout)
    left = [process for process in map(_find_process, info.children.values()) if process] if info else []
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(SIGINT)
    for process in psutil.wait_procs(left, timeout=seconds)[1]:
        process.kill()
    psutil.wait_procs(left, timeout=seconds)


def _start_time(process: psutil.Process) -> float:
    """Distinguishes processes with the same id. On Linux in ticks since boot, because clocks may be set."""
    stat_file = Path(f"/proc/{process.pid}/stat")
    if stat_file.exists():
        return float(stat_file.read_text().rpartition(")")[2].split()[19])
    return float(process.create_time())


def _find_process(child: tuple[int, float]) -> psutil.Process | None:
    """The process, or None if it has ended; its id may belong to another process by now."""
    pid, created = child
    with suppress(psutil.NoSuchProcess, ProcessLookupError, FileNotFoundError):
        process = psutil.Process(pid)
        if _start_time(process) == created:
            return process
    return None
