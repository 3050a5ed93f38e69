"""A process that parses and evaluates expressions. It has no network to use, no keys and no database, and its own data only
while it answers one question. Needs neither Django nor settings.

Standard input is a socket with a line of JSON for each question and each answer.
"""

from __future__ import annotations

import base64
import json
import re
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

from core.memory import trim_memory
from core.process_start import prepare_process
from workflows.expressions.functions import EXTENSIONS
from workflows.expressions.limits import MAX_CHARACTERS, MEMORY_MB, SECONDS

# The command line of the package, with the libraries of a terminal, takes 0.2 s and 25 MB.
sys.modules["cel.cli"] = ModuleType("cel.cli")
import cel  # noqa: E402
from cel import stdlib  # noqa: E402

_WHY_LENGTH = 300
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class TooLargeError(Exception):
    """A value is longer than it may be."""


def main() -> None:
    prepare_process()
    _limit_memory()
    functions = _functions()
    with socket.socket(fileno=0) as channel, channel.makefile("rwb") as stream:
        for line in stream:
            question = json.loads(line)
            if "program" in question:
                answer = _program(question["program"])
            else:
                answer = _values(question["sources"], question["names"], functions)
            stream.write(answer.encode() + b"\n")
            stream.flush()
            trim_memory()


def _limit_memory() -> None:
    limit = MEMORY_MB << 20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _functions() -> dict[str, Any]:
    context = cel.Context()
    stdlib.add_stdlib_to_context(context)
    return {name: function for name, function in context.functions.items() if name in EXTENSIONS}


@contextmanager
def _limited_time() -> Iterator[None]:
    """The system ends the process when it has used its processor time: the default action of the signal, in which the
    interpreter has no part."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _program(source: str) -> str:
    try:
        with _limited_time():
            return json.dumps({"functions": cel.compile(source).functions()})
    except ValueError as error:
        return json.dumps({"error": str(error)})


def _values(sources: list[str], names: dict[str, Any], functions: dict[str, Any]) -> str:
    """The answer, in which the values are JSON already."""
    if isinstance(names.get("now"), str):
        names["now"] = datetime.fromisoformat(names["now"])
    context, found = cel.Context(names, functions), []
    for number, source in enumerate(sources):
        try:
            with _limited_time():
                found.append(_as_json(cel.evaluate(source, context)))
        except (TooLargeError, MemoryError):
            return json.dumps({"too_large": number})
        except BaseException as error:  # a panic of the library is no Exception
            return json.dumps({"failed": number, "why": _in_words(error)})
    return f'{{"values": [{",".join(found)}]}}'


def _as_json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    if len(text) > MAX_CHARACTERS:
        raise TooLargeError
    if _NUL.search(text):
        raise ValueError("a text has a NUL character")
    return text


def _plain(value: Any) -> Any:
    """As CEL's own mapping to JSON has it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise ValueError("this is no value of JSON")


def _in_words(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"there is no {error}"
    text = str(error).replace("\n", " ").split(" Check ")[0].rstrip(".")
    return f"{text[:1].lower()}{text[1:_WHY_LENGTH]}"


if __name__ == "__main__":
    main()
