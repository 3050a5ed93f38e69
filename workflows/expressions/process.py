"""The processes in which CEL is parsed and evaluated: warm, limited in memory and in processor time, and ended by what
exceeds a limit. docs/decisions/0037-expressions-in-a-process.md has the measurements."""

from __future__ import annotations

import atexit
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import LifoQueue
from typing import Any

from core.json_values import json_text
from workflows.expressions.errors import ExpressionError
from workflows.expressions.functions import MACROS
from workflows.expressions.limits import MAX_CHARACTERS, MAX_DATA_CHARACTERS, MEMORY_MB, SECONDS

_ROOT = Path(__file__).resolve().parents[2]
_PROCESSES = 4
# It is ended after its processor time; this is for one that gets none.
_WALL_SECONDS = 30.0
_FROM_OUTSIDE = (0, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP)
_SHOWN = 80
_SYNTAX = re.compile(r"ERROR: <input>:(?P<line>\d+):(?P<column>\d+): (?:Syntax error: )?(?P<why>[^\n]*)")
_MISSING = re.compile(r"missing '(?P<what>.*?)' at")
_UNEXPECTED = re.compile(r"(?:input|at:) '(?P<what>.*?)'(?: expecting.*)?$")


class _Ended(Exception):
    """The process has ended, or was ended; the status as `Popen.returncode`."""

    def __init__(self, status: int) -> None:
        self.status = status


class _Process:
    """Not thread-safe. It ends when its socket is closed."""

    def __init__(self) -> None:
        self._own, other = socket.socketpair()
        self._own.settimeout(_WALL_SECONDS)
        with other:
            self._stream = self._own.makefile("rwb")
            self._process = subprocess.Popen(
                [sys.executable, "-m", "workflows.expressions.child_process"],
                stdin=other.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=_ROOT,
                env={"PATH": os.defpath, "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "1"},  # no keys, no addresses
            )

    def ask(self, question: str) -> dict[str, Any]:
        """Raises _Ended."""
        try:
            self._stream.write(question.encode() + b"\n")
            self._stream.flush()
            return dict(json.loads(self._stream.readline()))
        except TimeoutError:
            self.end()
            raise _Ended(-signal.SIGPROF) from None
        except (OSError, ValueError):
            self._process.wait(_WALL_SECONDS)
            self.end()
            raise _Ended(self._process.returncode) from None

    def end(self) -> None:
        with suppress(OSError):  # what could not be sent
            self._stream.close()
        self._own.close()
        self._process.kill()
        self._process.wait()

    def forget(self) -> None:
        """In a fork, which is not its parent. Nothing that another thread was writing is sent once more."""
        os.close(self._own.detach())
        self._process.returncode = 0


class _Pool:
    """Of processes that are started when they are needed."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._free: LifoQueue[_Process | None] = LifoQueue()
        for _ in range(_PROCESSES):
            self._free.put(None)

    @contextmanager
    def process(self) -> Iterator[_Process]:
        process = self._free.get()
        kept = None
        try:
            process = process or _Process()
            yield process
            kept = process
        finally:
            self._free.put(kept)

    def end(self) -> None:
        for process in filter(None, self._free.queue):
            process.end()

    def forget(self) -> None:
        for process in filter(None, self._free.queue):
            process.forget()
        self._clear()


_pool = _Pool()
os.register_at_fork(after_in_child=_pool.forget)
atexit.register(_pool.end)


def values(sources: Sequence[str], names: Mapping[str, Any]) -> list[Any]:
    """The values of expressions, as JSON. Raises ExpressionError."""
    data = json_text({"sources": sources, "names": names})
    if len(data) > MAX_DATA_CHARACTERS:
        raise ExpressionError("expression_too_large", limit=MAX_DATA_CHARACTERS)
    answer = _ask(data)
    if "failed" in answer:
        source = sources[answer["failed"]]
        shown = source if len(source) <= _SHOWN else source[:_SHOWN] + "…"
        raise ExpressionError("expression_failed", source=shown.strip(), reason=answer["why"])
    if "too_large" in answer:
        raise ExpressionError("expression_too_large", limit=MAX_CHARACTERS)
    return list(answer["values"])


def syntax_error(source: str) -> tuple[int, str] | None:
    """The position and the sentence of the first error of the parser."""
    try:
        answer = _ask(json_text({"program": source}))
    except ExpressionError:  # too deep for the parser, or too slow
        return 0, "This cannot be read. Write a simpler expression."
    if found := _SYNTAX.search(answer.get("error", "")):
        return _position(source, int(found["line"]), int(found["column"])), _in_words(found["why"])
    if answer.get("error"):
        return 0, "This is no expression of CEL. Correct it."
    if wrong := sorted(MACROS & set(answer["functions"])):
        form = f"{wrong[0]}(item, item.price > 0)"
        return source.find(wrong[0]), f"'{wrong[0]}' takes a name and an expression, as in 'list.{form}'."
    return None


def _ask(question: str) -> dict[str, Any]:
    """Once again if the process was ended from outside: expressions have no effects. Raises ExpressionError."""
    for _ in range(2):
        try:
            with _pool.process() as process:
                return process.ask(question)
        except _Ended as error:
            status = error.status
        if status not in _FROM_OUTSIDE:
            break
    if status in _FROM_OUTSIDE:
        raise ExpressionError("expression_interrupted")
    if status == -signal.SIGPROF:
        raise ExpressionError("expression_too_slow", milliseconds=round(SECONDS * 1000))
    raise ExpressionError("expression_memory", megabytes=MEMORY_MB)


def _position(source: str, line: int, column: int) -> int:
    before = source.split("\n")[: line - 1]
    return sum(len(one) + 1 for one in before) + column - 1


def _in_words(why: str) -> str:
    """What the parser says, without its list of tokens."""
    if missing := _MISSING.search(why):
        return f"A '{missing['what']}' is missing here. Add it."
    if "Recursion limit" in why:
        return "This is nested too deeply. Write a simpler expression."
    found = _UNEXPECTED.search(why)
    if found is None:
        return f"{why[:1].upper()}{why[1:_SHOWN]}. Correct the expression."
    if found["what"] == "<EOF>":
        return "The expression ends too early. Complete it."
    return f"'{found['what'].strip()}' is not expected here. Correct the expression."
