"""Who runs the services of a data folder: a lock that the kernel frees, and a note beside it."""

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
    """What the owner tells. `created` is when its process started, `children` are
    {name: (process id, its start)}, `address` is where `up` answers."""

    kind: InstanceKind
    pid: int
    created: float
    run: str
    address: str = ""
    ready: bool = False
    children: dict[str, tuple[int, float]] = field(default_factory=dict)


class Instance:
    """The right to run the services of one data folder. Made by `own`; given back by `release`."""

    def __init__(self, layout: Layout, handle: int, info: InstanceInfo) -> None:
        self._layout, self._handle, self._info, self._lock = layout, handle, info, Lock()
        self._tell(info)

    def child_started(self, name: str, pid: int) -> None:
        """Remember a child, so that whoever comes after a crash of this process can end it. Any thread may call."""
        with self._lock, suppress(psutil.NoSuchProcess, FileNotFoundError):
            children = {**self._info.children, name: (pid, _started(psutil.Process(pid)))}
            self._tell(replace(self._info, children=children))

    def is_ready(self) -> None:
        with self._lock:
            self._tell(replace(self._info, ready=True))

    def release(self) -> None:
        _note(self._layout).unlink(missing_ok=True)
        shutil.rmtree(self._layout.run, ignore_errors=True)
        os.close(self._handle)

    def _tell(self, info: InstanceInfo) -> None:
        self._info = info
        draft = _note(self._layout).with_suffix(".draft")
        draft.write_text(json.dumps(asdict(info)))
        draft.replace(_note(self._layout))


def acquire(layout: Layout, kind: InstanceKind, *, address: str = "") -> Instance | None:
    """The instance, with what a crashed owner left behind stopped; None while another process owns it."""
    layout.data.mkdir(parents=True, exist_ok=True)
    handle = os.open(layout.data / "instance.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    _stop_leftovers(layout)
    _make_run(layout.run)
    created = _started(psutil.Process())
    info = InstanceInfo(kind=kind, pid=os.getpid(), created=created, run=str(layout.run), address=address)
    return Instance(layout, handle, info)


def running_instance(layout: Layout) -> InstanceInfo | None:
    """Who runs the services now, or None."""
    info = _read(layout)
    if info is None or not _find((info.pid, info.created)):
        return None
    if info.run != str(layout.run):
        raise ServiceError(
            f"Process {info.pid} runs this instance with its sockets in {info.run}, but here they are "
            f"looked for in {layout.run}. Give both the same TMPDIR."
        )
    return info


def _note(layout: Layout) -> Path:
    return layout.data / "instance.json"


def _read(layout: Layout) -> InstanceInfo | None:
    try:
        told = json.loads(_note(layout).read_text())
    except FileNotFoundError:
        return None
    children = {name: (pid, created) for name, (pid, created) in told.pop("children").items()}
    return InstanceInfo(**{**told, "kind": InstanceKind(told["kind"]), "children": children})


def _make_run(folder: Path) -> None:
    """The sockets' folder lies in a place that all users share: it must be a folder, and ours."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ServiceError(
            f"{folder} is not this user's own folder. Remove it, or set TMPDIR to another place."
        )
    folder.chmod(0o700)


def _stop_leftovers(layout: Layout, seconds: float = 5) -> None:
    """End the children of an owner that was killed. The kernel has told them already (Program.argv), so
    mostly this waits. SIGINT ends every one of them in good order."""
    info = _read(layout)
    left = [process for process in map(_find, info.children.values()) if process] if info else []
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(SIGINT)
    for process in psutil.wait_procs(left, timeout=seconds)[1]:
        process.kill()


def _started(process: psutil.Process) -> float:
    """What no later process of the same id has. On Linux in ticks since boot, as clocks may be set."""
    stat_file = Path(f"/proc/{process.pid}/stat")
    if stat_file.exists():
        return float(stat_file.read_text().rpartition(")")[2].split()[19])
    return float(process.create_time())


def _find(child: tuple[int, float]) -> psutil.Process | None:
    """The process, unless it has ended; a process id may belong to another one by now."""
    pid, created = child
    with suppress(psutil.NoSuchProcess, ProcessLookupError, FileNotFoundError):
        process = psutil.Process(pid)
        if _started(process) == created:
            return process
    return None
