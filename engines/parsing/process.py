"""One warm parser process, seen from the worker."""

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
from typing import IO, Any

from engines.parsing import ParseError
from engines.parsing.job import Limits

logger = logging.getLogger(__name__)

_ROOT = Path(__file__).resolve().parent.parent.parent
_START_SECONDS = 60
_STDERR_TAIL = 4_000
_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_OUT_OF_MEMORY = (b"bad_alloc", b"MemoryError", b"out of memory", b"Out of memory", b"annot allocate memory")


class ParserProcess:
    """Not for two threads at once: the pool lends it to one."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.files = self.resident_mb = 0
        self.ending = ""
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by kill
        try:
            self._process = _start(limits, self._log)
        except OSError:
            self._log.close()
            raise
        try:
            self._receive(time.monotonic() + _START_SECONDS)
        except ParseError as error:
            self.kill()
            raise ParseError("parser_unavailable") from error

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, request: dict[str, str]) -> dict[str, Any]:
        """The child's answer. Raises ParseError when it is too slow, too big, or dies; then `kill` it."""
        self.files, self.ending = self.files + 1, PurePath(request["filename"]).suffix.lower()
        body = json.dumps(request).encode()
        try:
            os.write(self._pipe("stdin"), struct.pack(">Q", len(body)) + body)
        except BrokenPipeError:
            raise self._exit_error() from None
        answer: dict[str, Any] = json.loads(self._answer())
        self.resident_mb = answer.get("resident_mb", 0)
        return answer

    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End it and every program it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream:
                stream.close()

    def _pipe(self, name: str) -> int:
        return int(getattr(self._process, name).fileno())

    def _answer(self) -> bytes:
        """Empty frames come before it, one for each recognised page: the clock starts anew."""
        for _ in range(self.limits.ocr_pages + 1):
            body = self._receive(time.monotonic() + self.limits.seconds)
            if body:
                return body
        raise ParseError("parse_timeout", seconds=self.limits.seconds)

    def _receive(self, deadline: float) -> bytes:
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
        """Why the child died: by its limits, by the file, or by somebody else's hand."""
        status = self._process.wait(timeout=10)
        number = -status if status < 0 else 0
        reason = signal.Signals(number).name if number else f"exit status {status}"
        logger.warning(
            "A parser process ended (%s): %s", reason, self._stderr_tail().decode(errors="replace")
        )
        if number == signal.SIGXCPU:
            return ParseError("parse_timeout", seconds=self.limits.seconds)
        if number in _FROM_OUTSIDE:
            return ParseError("parse_interrupted")
        if any(sign in self._stderr_tail() for sign in _OUT_OF_MEMORY):
            return ParseError("parse_memory", megabytes=self.limits.memory_mb)
        return ParseError("parse_crash")

    def _stderr_tail(self) -> bytes:
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - _STDERR_TAIL))
        return self._log.read()


def _start(limits: Limits, log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "engines.parsing.child_process", limits.dumps()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        bufsize=0,
        cwd=_ROOT,
        env=_environment(),
        start_new_session=True,
    )


def _environment() -> dict[str, str]:
    """What a parser needs to run, and nothing of the worker's: no keys, no addresses."""
    quiet = {"DO_NOT_TRACK": "1", "SCARF_NO_ANALYTICS": "true", "UNSTRUCTURED_DISABLE_NOTICE": "1"}
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "HOME": "/nonexistent",
        "HF_HUB_OFFLINE": "1",
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_MMAP_THRESHOLD_": "1048576",  # fixed: or else what a model takes for its layers is kept, and never fits
        "PYTHONHASHSEED": "0",
        **quiet,
        **one_thread,
    }
