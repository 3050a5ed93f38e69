"""The parser process: it stays warm, and forks a child for each file. So nothing of one file survives into the next.

Started by `engines.parsing.process`, with a control socket as standard input. Needs neither Django nor settings. It never
sees a file or a name itself: each child gets a channel of its own from the worker.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import socket
import sys
import traceback
from dataclasses import asdict
from importlib import import_module
from typing import Any, NoReturn

from core.process_start import prepare_process
from engines.parsing import descendants, sandbox
from engines.parsing.job import Limits
from engines.parsing.sandbox import Layers

# Only imports that are quick, because a request waits for the one in progress. Those of Word and OCR hold 100 MB each.
_IMPORTS_WHEN_IDLE = (
    *("engines.parsing.child_file", "lxml.html", "engines.parsing.markdown", "engines.parsing.text"),
    *("filetype", "pypdfium2", "openpyxl"),
)
_MAX_REQUEST_BYTES = 256


def main() -> None:
    limits = Limits(**json.loads(sys.argv[1]))
    layers = sandbox.enter()
    prepare_process()  # after the namespaces, because a protected process cannot make one for a user
    with socket.socket(fileno=os.dup(0)) as control:
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        _send(control, asdict(layers))
        imports = list(reversed(_IMPORTS_WHEN_IDLE))
        while True:
            while imports and not select.select([control], [], [], 0)[0]:
                import_module(imports.pop())
            data, handles, _, _ = socket.recv_fds(control, _MAX_REQUEST_BYTES, 2)
            if not data:
                return
            _warm_up(**json.loads(data))
            status = _parse_in_child(control, handles, layers, limits)
            _send(control, {"status": status, "resident_mb": _resident_mb()})


def _warm_up(*, mime_type: str, ocr: bool) -> None:
    """Load what children for this type would otherwise load each anew. Only OYL's own names reach this process."""
    from engines.parsing import child_file  # noqa: F401
    from engines.parsing.detect import content_model
    from engines.parsing.formats import load_reader

    if mime_type:
        load_reader(mime_type)
    else:
        content_model()
    if ocr:
        from engines.parsing import ocr as recognition

        recognition.engine()


def _parse_in_child(control: socket.socket, handles: list[int], layers: Layers, limits: Limits) -> int:
    """Return the child's status as `subprocess` does, after it and all that it started have ended."""
    gc.freeze()  # objects that the collector does not touch stay in memory that is shared
    pid = os.fork()
    if pid == 0:
        _run_child(handles, layers, limits)
    for handle in handles:
        os.close(handle)
    watch = os.pidfd_open(pid)
    ready, _, _ = select.select([control.fileno(), watch], [], [])
    os.close(watch)
    if control.fileno() in ready:  # the worker hung up
        descendants.end_all()
        sys.exit()
    _, status = os.waitpid(pid, 0)
    descendants.end_all()
    return os.waitstatus_to_exitcode(status)


def _run_child(handles: list[int], layers: Layers, limits: Limits) -> NoReturn:
    """Parse one file, with no open file but the channel as 3. Libraries that print write to the worker's log."""
    from engines.parsing import child_file

    try:
        channel, log = handles
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.dup2(channel, 3)
        os.closerange(4, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        child_file.answer(3, layers, limits)
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
