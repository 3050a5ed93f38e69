"""The warm parser process: it forks a child for each file, or for several that share one (`own_process`). So nothing of
a file survives into the next one of others.

A child is forked and prepared before its file is known, so that the file does not wait for it.

Started by `engines.parsing.launch`, with a control socket as standard input. Needs neither Django nor settings. It never
sees a file or a name itself: each child gets a channel of its own from the worker.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import signal
import socket
import tempfile
import traceback
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from typing import Any, NoReturn

from core.process_start import prepare_process
from engines.parsing import descendants, sandbox
from engines.parsing.folders import bytes_below, remove_folder
from engines.parsing.frames import ANSWERED, STARTED
from engines.parsing.job import Limits
from engines.parsing.sandbox import Layers

# Only small ones, because each child gets a copy of the page tables. The others follow when their type is announced.
_IMPORTS = (
    "engines.parsing.child_file",
    "engines.parsing.markup.markdown",
    "engines.parsing.texts.text",
    "filetype",
)
_MAX_MESSAGE_BYTES = 1_024
_CHANNEL = 3  # in the child
_CHECK_SECONDS = 0.25
# Libraries end the process when memory is refused, most often without a word. The limit is of addresses, of which a process
# has more than it has memory.
_MEMORY_FULL = 0.75


def main() -> None:
    layers = sandbox.enter()
    prepare_process()  # after the namespaces, because a protected process cannot make one for a user
    with socket.socket(fileno=os.dup(0)) as control:
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        limits = Limits(**json.loads(control.recv(_MAX_MESSAGE_BYTES)))
        _send(control, asdict(layers))
        for module in _IMPORTS:
            import_module(module)
        child: _Child | None = None
        with suppress(BrokenPipeError, ConnectionResetError):  # the worker hung up
            while announcement := _receive(control, child):
                message, handles = announcement
                report = child.end(control, message["grace"]) if child else {}
                _warm_up(message["mime_type"], message["models"])
                child = _Child(handles, layers, limits)
                _send(control, {**report, "resident_mb": _resident_mb()})
        if child:
            child.end(control, 0)


class _Child:
    """The process for one file, with a folder of its own."""

    def __init__(self, handles: list[int], layers: Layers, limits: Limits) -> None:
        gc.freeze()  # objects that the collector does not touch stay in memory that is shared
        self._folder = tempfile.mkdtemp()
        # Where its folder is a file system in memory, that has a limit of its own.
        self._max_folder_bytes = None if layers.namespaces else limits.folder_mb << 20
        self._max_memory_bytes = limits.memory_mb << 20
        self._is_folder_full = self._is_memory_full = False
        if (pid := os.fork()) == 0:
            _run_child(handles, self._folder, layers, limits)
        self._pid = pid
        for handle in handles:
            os.close(handle)

    def check(self) -> None:
        """Kill it, and all that it started, if its folder or their memory has become too large."""
        if self._max_folder_bytes is not None:
            self._is_folder_full |= bytes_below(self._folder) > self._max_folder_bytes
        self._is_memory_full |= descendants.resident_bytes() > self._max_memory_bytes
        if self._is_folder_full or self._is_memory_full:
            descendants.kill_children()

    def end(self, control: socket.socket, grace: int) -> dict[str, Any]:
        """End it, and all that it started; return its status, as `subprocess` does. It may end by itself in `grace`
        seconds."""
        watch = os.pidfd_open(self._pid)
        select.select([control.fileno(), watch], [], [], grace)
        signal.pidfd_send_signal(watch, signal.SIGKILL)
        os.close(watch)
        _, status, usage = os.wait4(self._pid, 0)
        peak_bytes = usage.ru_maxrss << 10
        descendants.end_all()
        remove_folder(self._folder)
        return {
            "status": os.waitstatus_to_exitcode(status),
            "folder_full": self._is_folder_full,
            "memory_full": self._is_memory_full or peak_bytes > self._max_memory_bytes * _MEMORY_FULL,
        }


def _receive(control: socket.socket, child: _Child | None) -> tuple[dict[str, Any], list[int]] | None:
    """Return the announcement of a file's type, and the child's ends of its channel and log; None if the worker hung up."""
    check_seconds = None
    while True:
        if child and not select.select([control], [], [], check_seconds)[0]:
            child.check()
            continue
        data, handles, _, _ = socket.recv_fds(control, _MAX_MESSAGE_BYTES, 2)
        if data not in (STARTED, ANSWERED):
            return (json.loads(data), handles) if data else None
        check_seconds = _CHECK_SECONDS if data == STARTED else None


def _warm_up(mime_type: str, models: Collection[str]) -> None:
    """Load what children for this type would otherwise load each anew. Only OYL's own names reach this process."""
    from engines.parsing.detect import content_model
    from engines.parsing.formats import load_reader

    if mime_type:
        load_reader(mime_type)
    else:
        content_model()
    if "encodings" in models:
        from engines.parsing.texts import legacy_encodings

        legacy_encodings.load()
    if "ocr" in models:
        from engines.parsing.pictures import ocr

        ocr.engine()


def _run_child(handles: list[int], folder: str, layers: Layers, limits: Limits) -> NoReturn:
    """Parse one file, with no open file but the channel as 3. Libraries that print write to the worker's log."""
    from engines.parsing import child_file

    try:
        channel, log = handles
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.dup2(channel, _CHANNEL)
        os.closerange(_CHANNEL + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        child_file.answer(_CHANNEL, folder, layers, limits)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def _send(control: socket.socket, message: dict[str, Any]) -> None:
    control.send(json.dumps(message).encode())


def _resident_mb() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - read after every file
        return int(statm.read().split()[1]) * resource.getpagesize() >> 20


if __name__ == "__main__":
    main()
