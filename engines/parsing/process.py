"""A warm parser process, as the worker sees it."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any

from engines.parsing import ParsedDocument, ParseError, sandbox
from engines.parsing.answers import Answer
from engines.parsing.exchange import Exchange
from engines.parsing.formats import likely_type
from engines.parsing.frames import FrameError
from engines.parsing.job import Limits

logger = logging.getLogger(__name__)

MODULE = "engines.parsing.child_process"
_ROOT = Path(__file__).resolve().parent.parent.parent
_START_TIMEOUT_SECONDS = 60
_END_TIMEOUT_SECONDS = 10
_STATUS_BYTES = 4_096
# What a parser needs besides PATH. It gets nothing of the worker's environment: no keys, no addresses.
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "HOME": "/nonexistent",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "1048576",  # fixed, because otherwise memory that a model's layers took is never freed
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_EXTERNAL_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_OUT_OF_MEMORY = (b"bad_alloc", b"MemoryError", b"out of memory", b"Out of memory", b"annot allocate memory")


class ParserProcess:
    """Not thread-safe: the pool lends it to one thread at a time. It is ended by `kill`, and when this process ends."""

    def __init__(self, limits: Limits) -> None:
        """Raise OSError or ParseError if it cannot be started."""
        self.limits = limits
        self.parsed_files = self.resident_mb = 0
        self.last_suffix = ""
        self._suffixes_with_ocr = set[str]()
        self._control, other_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with other_end:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", MODULE, limits.dumps()],
                    stdin=other_end.fileno(),
                    stdout=subprocess.DEVNULL,
                    cwd=_ROOT,
                    env={"PATH": os.environ.get("PATH", os.defpath), **_ENVIRONMENT},
                    start_new_session=True,
                )
        except OSError:
            self._control.close()
            raise
        try:
            self.layers = sandbox.Layers(**self._receive(_START_TIMEOUT_SECONDS))
        except ParseError as error:
            self.kill()
            raise ParseError("parser_unavailable") from error

    def parse(self, path: Path, *, filename: str, workdir: Path) -> ParsedDocument:
        """Have a child parse the file. Raise ParseError. If the child exceeds a limit, the process is killed, too."""
        self.parsed_files += 1
        self.last_suffix = PurePath(filename).suffix.lower()
        folder = workdir / "child"
        folder.mkdir()
        exchange, answer = Exchange(self.limits, folder), Answer(self.limits, workdir)
        try:
            self._start_child(exchange, path, filename)
            exchange.read(answer)
            status = self._receive(_END_TIMEOUT_SECONDS)
            self.resident_mb = status["resident_mb"]
        except FrameError as error:
            self.kill()
            raise _refuse(path, error) from error
        except (ParseError, OSError):
            self.kill()
            raise
        finally:
            exchange.close()
            _remove(folder)
        return self._document(path, answer, status["status"], exchange.log_tail)

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End it and every program that it started, which it does itself when the control socket is closed."""
        self._control.close()
        try:
            self._process.wait(_END_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _start_child(self, exchange: Exchange, path: Path, filename: str) -> None:
        mime_type = likely_type(filename)
        needs_ocr = self.last_suffix in self._suffixes_with_ocr or mime_type.startswith("image/")
        exchange.request(path, filename)
        message = json.dumps({"mime_type": mime_type, "ocr": needs_ocr}).encode()
        try:
            socket.send_fds(self._control, [message], exchange.child_handles)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ParseError("parse_interrupted") from error

    def _receive(self, timeout_seconds: float) -> dict[str, Any]:
        """Return the process's next message about itself. Raise ParseError if it has ended."""
        ready, _, _ = select.select([self._control], [], [], timeout_seconds)
        with suppress(ConnectionResetError):
            if ready and (data := self._control.recv(_STATUS_BYTES)):
                return dict(json.loads(data))
        logger.warning("A parser process ended or does not answer.")
        raise ParseError("parse_interrupted")

    def _document(self, path: Path, answer: Answer, status: int, log: bytes) -> ParsedDocument:
        if answer.has_ocr:
            self._suffixes_with_ocr.add(self.last_suffix)
        try:
            return answer.document()
        except FrameError as error:
            raise (self._exit_error(status, log) if status else _refuse(path, error)) from error
        except ParseError:
            if cause := answer.cause():
                logger.warning("%s could not be read: %s", path, cause)
            raise

    def _exit_error(self, status: int, log: bytes) -> ParseError:
        """Return why the child died: by its limits, because of the file, or by a signal from outside."""
        number = -status if status < 0 else 0
        reason = signal.Signals(number).name if number else f"exit status {status}"
        logger.warning("A parser's child ended (%s): %s", reason, log.decode(errors="replace"))
        if status == sandbox.FAILED:
            return ParseError("parser_unavailable")
        if number == signal.SIGXCPU:
            return ParseError("parse_timeout", seconds=self.limits.seconds)
        if number in _EXTERNAL_SIGNALS:
            return ParseError("parse_interrupted")
        if any(sign in log for sign in _OUT_OF_MEMORY):
            return ParseError("parse_memory", megabytes=self.limits.memory_mb)
        return ParseError("parse_crash")


def available_layers() -> sandbox.Layers:
    """What this kernel permits to a parser process. Raise OSError or ParseError if none can be started."""
    process = ParserProcess(Limits(seconds=1, memory_mb=1, output_mb=1, text_mb=1, ocr_pages=0))
    process.kill()
    return process.layers


def _refuse(path: Path, error: FrameError) -> ParseError:
    logger.error("The parser's answer for %s is refused, the file may be an attack: %s.", path, error)
    return ParseError("parse_crash")


def _remove(folder: Path) -> None:
    """Remove the child's folder, which is empty where it was covered by one in memory."""
    try:
        folder.rmdir()
    except OSError:
        subprocess.run(["rm", "-rf", "--", folder], check=False)  # noqa: S607 - folders may be nested beyond recursion
