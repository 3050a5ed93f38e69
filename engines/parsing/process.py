"""A warm parser process, as the worker sees it."""

from __future__ import annotations

import json
import logging
import os
import select
import shutil
import signal
import socket
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path, PurePath
from typing import IO, Any, NamedTuple
from uuid import UUID

from engines.parsing import ParsedDocument, ParseError, own_process, sandbox
from engines.parsing.answers import Answer
from engines.parsing.detect import may_have_pages
from engines.parsing.exchange import Exchange
from engines.parsing.formats import likely_type
from engines.parsing.frames import ANSWERED, STARTED, FrameError
from engines.parsing.job import Limits
from engines.parsing.launch import WarmProcess

logger = logging.getLogger(__name__)
# The type of a file, and the models that its reader may need.
Kind = tuple[str, frozenset[str]]

_TIMEOUT_SECONDS = 60  # of the warm process, which may load a reader
_END_TIMEOUT_SECONDS = 10
_MAX_MESSAGE_BYTES = 4_096
_HEAD_BYTES = 1_024
_EXTERNAL_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_OUT_OF_MEMORY = (b"bad_alloc", b"MemoryError", b"out of memory", b"Out of memory", b"annot allocate memory")


class _Result(NamedTuple):
    """`report` is empty if the answer is complete; `is_reused`: the child had read other files before."""

    answer: Answer
    report: dict[str, Any]
    log: bytes
    is_reused: bool

    @property
    def is_inconclusive(self) -> bool:
        """Whether the file needs a process of its own, or another file may be what ended the child."""
        return self.report.get("status") == own_process.REQUIRED or bool(self.report and self.is_reused)


class ParserProcess:
    """Not thread-safe: the pool lends it to one thread at a time. It is ended by `kill`, and when this process ends.

    A child for the next file is prepared ahead, for files of the types that were announced so far, unless the last one may
    read further files.
    """

    def __init__(self, limits: Limits, service: Path | None = None) -> None:
        """Start it, or have the parser service at this socket start it. Raise OSError or ParseError."""
        self.limits, self._service = limits, service
        self.parsed_files = self.resident_mb = 0
        self.last_suffix = ""
        self._models_of = defaultdict[str, frozenset[str]](frozenset)  # by suffix
        self._announced = set[Kind]()
        self._child: Exchange | None = None
        self._has_report = False
        self._process: WarmProcess | None = None
        self._control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._connect()
            self._control.send(limits.dumps().encode())
            self.layers = sandbox.Layers(**self._receive())
        except ParseError as error:
            self.kill()
            raise ParseError("parser_unavailable") from error
        except OSError:
            self.kill()
            raise

    def parse(
        self, tenant_id: UUID, path: Path, *, filename: str, workdir: Path, page: int = 0
    ) -> ParsedDocument:
        """Have a child parse a tenant's file, or draw a page of it, which is the document's member then. Raise
        ParseError. If the child exceeds a limit, the process is killed, too."""
        self.parsed_files += 1
        self.last_suffix = PurePath(filename).suffix.lower()
        with _open(path, copy_to=workdir if self._service else None) as file:
            may_share = not page and own_process.may_share(filename, os.fstat(file.fileno()).st_size)
            try:
                result = self._ask(file, filename, tenant_id if may_share else None, workdir, page)
                if result.is_inconclusive:
                    result = self._ask(file, filename, None, workdir, page)
            except FrameError as error:
                self.kill()
                raise _refuse(path, error) from error
            except BaseException:
                self.kill()
                raise
        return self._document(path, result)

    def is_alive(self) -> bool:
        if self._control.fileno() < 0:
            return False
        poll = select.poll()
        poll.register(self._control, 0)
        return not poll.poll(0)

    def kill(self) -> None:
        """End it and every program that it started, which it does itself when the control socket is closed."""
        if self._child:
            self._child.close()
        self._child = None
        self._control.close()
        if self._process:
            self._process.wait(_END_TIMEOUT_SECONDS)

    def _connect(self) -> None:
        if self._service:
            self._control.connect(str(self._service))
            return
        self._control.close()
        self._control, other_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other_end:
            self._process = WarmProcess(other_end)

    def _ask(self, file: IO[bytes], filename: str, sharer: UUID | None, workdir: Path, page: int) -> _Result:
        has_pages = may_have_pages(os.pread(file.fileno(), _HEAD_BYTES, 0))
        answer = Answer(self.limits if has_pages else replace(self.limits, ocr_pages=0), workdir)
        exchange, kind = self._take_child(filename, sharer, recognises=not page)
        is_reused = exchange.has_read
        exchange.request(file, filename, sharer, page)
        self._control.send(STARTED)
        report = self._read(exchange, answer, kind)
        return _Result(answer, report, exchange.log_tail, is_reused)

    def _take_child(self, filename: str, sharer: UUID | None, *, recognises: bool) -> tuple[Exchange, Kind]:
        """Return the child that is there if it may read the file, and its type was announced before; otherwise have one made
        with the type's reader."""
        mime_type = likely_type(filename)
        expected = {"ocr"} if mime_type.startswith("image/") else set[str]()
        models = self._models_of[self.last_suffix] | expected if recognises else frozenset[str]()
        kind = (mime_type, models)
        if self._child and not (kind in self._announced and self._child.may_request(sharer)):
            self._child.close()
            self._child = None
        if not self._child:
            self._announce(kind, grace=0)
            self._receive_report()
        child, self._child = self._child, None
        assert child
        return child, kind

    def _read(self, exchange: Exchange, answer: Answer, kind: Kind) -> dict[str, Any]:
        """Read the answer, and have the next child made, unless this one may read more. Return what is known of an
        incomplete answer's child."""
        try:
            is_complete = exchange.read(answer)
            if is_complete and exchange.is_reusable():
                self._child = exchange
                self._control.send(ANSWERED)
                return {}
            self._announce(kind, grace=0 if is_complete else _END_TIMEOUT_SECONDS)
            return {} if is_complete else self._receive_report()
        finally:
            if self._child is not exchange:
                exchange.close()

    def _announce(self, kind: Kind, *, grace: int) -> None:
        """Have the process end its child, and make the next one. Its report on that is awaited when it is needed."""
        if self._has_report:
            self._receive_report()
        mime_type, models = kind
        announcement = {"mime_type": mime_type, "models": sorted(models), "grace": grace}
        try:
            self._child = Exchange(self.limits, self._control, announcement)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ParseError("parse_interrupted") from error
        self._announced.add(kind)
        self._has_report = True

    def _receive_report(self) -> dict[str, Any]:
        report = self._receive()
        self._has_report = False
        self.resident_mb = report["resident_mb"]
        return report

    def _receive(self) -> dict[str, Any]:
        """Return the process's next message. Raise ParseError if it has ended."""
        ready, _, _ = select.select([self._control], [], [], _TIMEOUT_SECONDS)
        with suppress(ConnectionResetError):
            if ready and (data := self._control.recv(_MAX_MESSAGE_BYTES)):
                return dict(json.loads(data))
        logger.warning("A parser process ended or does not answer.")
        raise ParseError("parse_interrupted")

    def _document(self, path: Path, result: _Result) -> ParsedDocument:
        answer, report, log, _ = result
        self._models_of[self.last_suffix] |= answer.models
        try:
            return answer.document()
        except FrameError as error:
            if report.get("folder_full"):
                size, limit = f"more than {self.limits.folder_mb}", self.limits.output_mb
                raise ParseError("unpacks_too_large", size=size, limit=limit) from error
            if report.get("memory_full"):
                raise ParseError("parse_memory", megabytes=self.limits.memory_mb) from error
            status = report.get("status", 0)
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


def available_layers(service: Path | None = None) -> sandbox.Layers:
    """What the kernel permits to a parser process, here or in the service. Raise OSError or ParseError if none starts."""
    process = ParserProcess(Limits(seconds=1, memory_mb=1, output_mb=1, text_mb=1, ocr_pages=0), service)
    process.kill()
    return process.layers


@contextmanager
def _open(path: Path, *, copy_to: Path | None) -> Iterator[IO[bytes]]:
    """Open the file for reading alone, or a nameless copy that another user may read, too. Raise ParseError."""
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise ParseError("file_missing") from error
    with file:
        if not copy_to:
            yield file
            return
        with tempfile.TemporaryFile(dir=copy_to) as copy:
            shutil.copyfileobj(file, copy)
            copy.flush()
            os.fchmod(copy.fileno(), 0o444)
            with Path(f"/proc/self/fd/{copy.fileno()}").open("rb") as readable:
                yield readable


def _refuse(path: Path, error: FrameError) -> ParseError:
    logger.error("The parser's answer for %s is refused, the file may be an attack: %s.", path, error)
    return ParseError("parse_crash")
