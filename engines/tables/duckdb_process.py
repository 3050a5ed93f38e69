"""DuckDB in processes with limits, as the other processes of OYL see it."""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any

from engines.parsing.launch import ENVIRONMENT, ROOT
from engines.tables import Loaded, QueryResult, ReadOptions, Recognised, TableError, TableLimits, wire

_PROCESSES = 2
_WAIT_SECONDS = 60.0
# The warm process ends its children itself; this is for one that gets no processor time.
_MARGIN_SECONDS = 30.0
RECOGNISE = TableLimits(seconds=60.0)


class _Process:
    """Not thread-safe. It ends when its socket is closed, with the child that it has."""

    def __init__(self) -> None:
        self._own, other = socket.socketpair()
        with other:
            self._stream = self._own.makefile("rwb")
            self._process = subprocess.Popen(
                [sys.executable, "-m", "engines.tables.child_process"],
                stdin=other.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=ROOT,
                env={
                    **ENVIRONMENT,
                    "PATH": os.defpath,
                    "TMPDIR": tempfile.gettempdir(),
                },  # no keys, no addresses
            )

    def ask(self, question: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Raises TableError."""
        self._own.settimeout(seconds + _MARGIN_SECONDS)
        try:
            self._stream.write(json.dumps(question, default=str).encode() + b"\n")
            self._stream.flush()
            return dict(json.loads(self._stream.readline()))
        except TimeoutError:
            raise TableError("table_too_slow", seconds=seconds) from None
        except (OSError, ValueError):
            raise TableError("table_interrupted") from None

    def has_ended(self) -> bool:
        """By itself, or from outside, such as for want of memory."""
        return self._process.poll() is not None

    def end(self) -> None:
        with suppress(OSError):
            self._stream.close()
        self._own.close()
        self._process.kill()
        self._process.wait()

    def forget(self) -> None:
        """In a fork, which is not its parent. Nothing that another thread was writing is sent once more."""
        os.close(self._own.detach())
        self._process.returncode = 0


class DuckDBTables:
    """The processes are started when they are needed."""

    def __init__(self) -> None:
        self._clear()
        os.register_at_fork(after_in_child=self._forget)
        atexit.register(self.end)

    def recognise(self, path: Path, filename: str, options: ReadOptions) -> Recognised:
        question = {"path": path, "filename": filename, "options": asdict(options)}
        return wire.recognised(self._ask(question, RECOGNISE))

    def load(
        self, path: Path, filename: str, options: ReadOptions, target: Path, limits: TableLimits
    ) -> Loaded:
        question = {"path": path, "filename": filename, "options": asdict(options), "target": target}
        return wire.loaded(self._ask(question, limits))

    def query(
        self,
        sql: str,
        tables: Mapping[str, Path],
        limits: TableLimits,
        values: Mapping[str, Any] | None = None,
    ) -> QueryResult:
        return wire.query_result(self._ask({"sql": sql, "tables": tables, "values": values}, limits))

    def export(
        self, sql: str, tables: Mapping[str, Path], target: Path, format: str, limits: TableLimits
    ) -> None:
        self._ask({"sql": sql, "tables": tables, "target": target, "format": format}, limits)

    def _ask(self, question: Mapping[str, Any], limits: TableLimits) -> dict[str, Any]:
        tables = {name: str(path) for name, path in question.get("tables", {}).items()}
        with self._process() as process:
            answer = process.ask({**question, "tables": tables, "limits": asdict(limits)}, limits.seconds)
        if "code" in answer:
            raise wire.as_error(answer)
        return answer

    @contextmanager
    def _process(self) -> Iterator[_Process]:
        """One that fails to answer is ended, and not used again."""
        try:
            process = self._free.get(timeout=_WAIT_SECONDS)
        except Empty:
            raise TableError("table_busy") from None
        try:
            if process and process.has_ended():
                process.end()
                process = None
            process = process or _Process()
            yield process
        except BaseException:
            if process:
                process.end()
            self._free.put(None)
            raise
        self._free.put(process)

    def _clear(self) -> None:
        self._free: LifoQueue[_Process | None] = LifoQueue()
        for _ in range(_PROCESSES):
            self._free.put(None)

    def end(self) -> None:
        for process in filter(None, self._free.queue):
            process.end()

    def _forget(self) -> None:
        for process in filter(None, self._free.queue):
            process.forget()
        self._clear()
