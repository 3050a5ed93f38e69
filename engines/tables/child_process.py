"""A warm process, which forks a child for each question about tables: so the libraries are loaded once, and nothing of one
question is there at the next. The child confines itself to its files before it reads them.

Standard input is a socket with a line of JSON for each question and each answer. Needs neither Django nor settings.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import select
import signal
import socket
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from core.memory import trim_memory
from core.process_start import prepare_process
from engines.parsing import sandbox
from engines.parsing.folders import remove_folder
from engines.tables import TableError, TableLimits, child_work
from engines.tables.statements import checked
from engines.tables.wire import as_answer

_CHECK_SECONDS = 0.05
# From its last word to its end.
_END_SECONDS = 5.0
_WARM_UP = "WITH b AS (SELECT x, sum(y) AS z FROM a WHERE x > 'c' GROUP BY x) SELECT * FROM b ORDER BY z DESC"
_PIECE_BYTES = 1 << 20
_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_MAX_ANSWER_BYTES = 256 << 20


def main() -> None:
    sandbox.enter()
    prepare_process()
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
    checked(_WARM_UP, ["a"], rows=1)
    with socket.socket(fileno=0) as channel, channel.makefile("rwb") as stream:
        child = _Child(channel)
        try:
            for line in stream:
                stream.write(child.answer(json.loads(line)) + b"\n")
                stream.flush()
                trim_memory()
                child = _Child(channel)
        finally:
            child.end()


class _Child:
    """The process for one question, which is made before the question is there."""

    def __init__(self, channel: socket.socket) -> None:
        gc.freeze()
        self._channel, self._limits = channel, TableLimits()
        self._folder = tempfile.mkdtemp(prefix="oyl-tables-")
        self._error: TableError | None = None
        question, self._input = os.pipe()
        self._output, answer = os.pipe()
        if (pid := os.fork()) == 0:
            os.close(self._input)
            os.close(self._output)
            _run(question, answer, Path(self._folder))
        self._pid, self._watch = pid, os.pidfd_open(pid)
        os.close(question)
        os.close(answer)

    def answer(self, question: dict[str, Any]) -> bytes:
        """Its own, or why it has none. Ends this process, too, when no caller waits for it any more."""
        self._limits = TableLimits(**question["limits"])
        try:
            with suppress(BrokenPipeError), open(self._input, "wb", closefd=False) as file:
                file.write(json.dumps(question).encode() + b"\n")
            text = self._read()
            select.select([self._watch], [], [], 0 if self._error else _END_SECONDS)
        finally:
            status = self.end()
        if self._error is None and status == 0:
            return text
        return _dumped(as_answer(self._error or _why(status, self._limits)))

    def end(self) -> int:
        """Its exit status, as `subprocess` has it."""
        signal.pidfd_send_signal(self._watch, signal.SIGKILL)
        found = os.waitid(os.P_PIDFD, self._watch, os.WEXITED)
        assert found
        for handle in (self._watch, self._input, self._output):
            os.close(handle)
        remove_folder(self._folder)
        return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status

    def _read(self) -> bytes:
        text, deadline = bytearray(), time.monotonic() + self._limits.seconds
        while self._error is None:
            channel = self._channel.fileno()
            ready, _, _ = select.select([self._output, channel], [], [], _CHECK_SECONDS)
            if channel in ready:
                sys.exit()
            if self._output in ready:
                piece = os.read(self._output, _PIECE_BYTES)
                if not piece:
                    break
                text += piece
            if time.monotonic() > deadline:
                self._error = TableError("table_too_slow", seconds=self._limits.seconds)
            elif _resident_mb(self._pid) > self._limits.memory_mb or len(text) > _MAX_ANSWER_BYTES:
                self._error = TableError("table_memory", megabytes=self._limits.memory_mb)
        return bytes(text)


def _run(question: int, answer: int, folder: Path) -> NoReturn:
    status = 1
    try:
        connection = child_work.connect(folder)
        with open(question, "rb") as asked, open(answer, "wb") as answered:
            if line := asked.readline():
                answered.write(_dumped(child_work.answer(json.loads(line), connection, folder)))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _why(status: int, limits: TableLimits) -> TableError:
    if -status == signal.SIGXCPU:
        return TableError("table_too_slow", seconds=limits.seconds)
    if status > 0 or -status in _FROM_OUTSIDE:
        return TableError("table_interrupted")
    return TableError("table_memory", megabytes=limits.memory_mb)


def _resident_mb(pid: int) -> int:
    with suppress(OSError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") >> 20
    return 0


def _dumped(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, ensure_ascii=False, default=asdict).encode(errors="replace")


if __name__ == "__main__":
    main()
