"""A warm parser process, as the worker sees it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path, PurePath
from typing import Any

from core.process_start import OFFLINE_ENVIRONMENT
from engines.parsing import ParseError
from engines.parsing.job import Limits

logger = logging.getLogger(__name__)

_ROOT = Path(__file__).resolve().parent.parent.parent
_START_TIMEOUT_SECONDS = 60
_STDERR_TAIL_BYTES = 4_000
# What a parser needs besides PATH. It gets nothing of the worker's environment: no keys, no addresses.
_ENVIRONMENT = {
    **OFFLINE_ENVIRONMENT,
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "HOME": "/nonexistent",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "1048576",  # fixed, because otherwise memory that a model's layers took is never freed
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_EXTERNAL_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_OUT_OF_MEMORY = (b"bad_alloc", b"MemoryError", b"out of memory", b"Out of memory", b"annot allocate memory")


class ParserProcess:
    """Not thread-safe: the pool lends it to one thread at a time."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.parsed_files = self.resident_mb = 0
        self.last_suffix = ""
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by kill
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "engines.parsing.child_process", limits.dumps()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                bufsize=0,
                cwd=_ROOT,
                env={"PATH": os.environ.get("PATH", os.defpath), **_ENVIRONMENT},
                start_new_session=True,
            )
        except OSError:
            self._log.close()
            raise
        try:
            self._read_frame(_START_TIMEOUT_SECONDS)
        except ParseError as error:
            self.kill()
            raise ParseError("parser_unavailable") from error

    @property
    def pid(self) -> int:
        return self._process.pid

    def parse(self, request: dict[str, str]) -> dict[str, Any]:
        """Return the process's response. Raise ParseError if it exceeds a limit or dies; then it must be killed."""
        self.parsed_files += 1
        self.last_suffix = PurePath(request["filename"]).suffix.lower()
        body = json.dumps(request).encode()
        try:
            os.write(self._pipe("stdin"), struct.pack(">Q", len(body)) + body)
        except BrokenPipeError:
            raise self._exit_error() from None
        # An empty frame comes for each recognised page and restarts the timeout.
        for _ in range(self.limits.ocr_pages + 1):
            body = self._read_frame(self.limits.seconds)
            if body:
                response: dict[str, Any] = json.loads(body)
                self.resident_mb = response.get("resident_mb", 0)
                return response
        raise ParseError("parse_timeout", seconds=self.limits.seconds)

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """Kill it and every program that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream:
                stream.close()

    def _pipe(self, name: str) -> int:
        return int(getattr(self._process, name).fileno())

    def _read_frame(self, timeout_seconds: int) -> bytes:
        deadline = time.monotonic() + timeout_seconds
        size: int = struct.unpack(">Q", self._read(8, deadline))[0]
        if size > self.limits.text_mb << 20:
            raise ParseError("output_too_large", limit=self.limits.text_mb)
        return self._read(size, deadline)

    def _read(self, size: int, deadline: float) -> bytes:
        stream, data = self._pipe("stdout"), bytearray()
        while len(data) < size:
            ready, _, _ = select.select([stream], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise ParseError("parse_timeout", seconds=self.limits.seconds)
            part = os.read(stream, min(size - len(data), 1 << 20))
            if not part:
                raise self._exit_error()
            data += part
        return bytes(data)

    def _exit_error(self) -> ParseError:
        """Return why the process died: by its limits, because of the file, or by a signal from outside."""
        status = self._process.wait(timeout=10)
        number = -status if status < 0 else 0
        reason = signal.Signals(number).name if number else f"exit status {status}"
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - _STDERR_TAIL_BYTES))
        stderr = self._log.read()
        logger.warning("A parser process ended (%s): %s", reason, stderr.decode(errors="replace"))
        if number == signal.SIGXCPU:
            return ParseError("parse_timeout", seconds=self.limits.seconds)
        if number in _EXTERNAL_SIGNALS:
            return ParseError("parse_interrupted")
        if any(sign in stderr for sign in _OUT_OF_MEMORY):
            return ParseError("parse_memory", megabytes=self.limits.memory_mb)
        return ParseError("parse_crash")
