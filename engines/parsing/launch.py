"""How warm parser processes are started and ended: by the worker itself, or by the parser service."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from engines.parsing.folders import remove_folder

MODULE = "engines.parsing.child_process"
ROOT = Path(__file__).resolve().parents[2]
# What a parser needs besides PATH. It gets nothing of the worker's environment: no keys, no addresses. Python chooses the
# seed of its hashes anew in each warm process.
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "HOME": "/nonexistent",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "1048576",  # fixed, because otherwise memory that a model's layers took is never freed
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


class WarmProcess:
    """A warm process, which is controlled by the other end of the socket, and ends when that is closed."""

    def __init__(self, control: socket.socket) -> None:
        """Raise OSError if it cannot be started."""
        self._folder = tempfile.mkdtemp(prefix="oyl-parser-")
        path = {"PATH": os.environ.get("PATH", os.defpath), "TMPDIR": self._folder}
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", MODULE],
                stdin=control.fileno(),
                stdout=subprocess.DEVNULL,
                cwd=ROOT,
                env={**path, **ENVIRONMENT},
                start_new_session=True,
            )
        except OSError:
            remove_folder(self._folder)
            raise

    def wait(self, timeout_seconds: float | None = None) -> None:
        """Wait until it has ended, and remove what it left. After the timeout, kill it."""
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        remove_folder(self._folder)
