"""The parser process: reads requests from its standard input, answers on its standard output.

Started by `engines.parsing.process`; needs neither Django nor settings.
"""

from __future__ import annotations

import errno
import json
import os
import select
import struct
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from engines.parsing import ParsedDocument, ParseError, sandbox
from engines.parsing.detect import detect
from engines.parsing.formats import load_reader, name_of
from engines.parsing.job import Job, Limits
from engines.parsing.text_cleaning import clean_element, clean_metadata, clean_prose

# Quick ones only: a request waits for an import under way, and those of Word and of OCR hold 100 MB each.
_WARM_UP = ("lxml.html", "engines.parsing.markdown", "pypdfium2", "openpyxl")
_OUT_OF_MEMORY = ("out of memory", "cannot allocate", "bad_alloc", "failed to allocate", "memory allocation")


def main() -> None:
    limits = Limits(**json.loads(sys.argv[1]))
    requests, answers = _take_streams()
    sandbox.enter(limits)
    _write(answers, b"{}")

    def advance() -> None:
        sandbox.allow_cpu(limits.seconds)
        _write(answers, b"")

    for request in _requests(requests):
        sandbox.allow_cpu(limits.seconds)
        answer = handle(request, limits, advance)
        body = json.dumps(answer | {"resident_mb": sandbox.resident_mb()}, ensure_ascii=False).encode(
            "utf-8", "replace"
        )
        if len(body) > limits.text_mb << 20:
            body = json.dumps(_refusal(ParseError("output_too_large", limit=limits.text_mb))).encode()
        del answer
        _write(answers, body)


def handle(request: dict[str, str], limits: Limits, advance: Callable[[], None]) -> dict[str, Any]:
    """One file: its elements, or the reason why not."""
    workdir = Path(request["workdir"])
    mime_type = ""
    with _at_home_in(workdir):
        try:
            path, filename = Path(request["path"]), request["filename"]
            mime_type = detect(path, filename)
            job = Job(
                path=path,
                filename=filename,
                workdir=workdir,
                mime_type=mime_type,
                limits=limits,
                advance=advance,
            )
            return _answer(load_reader(mime_type)(job))
        except ParseError as error:
            return _refusal(error) | ({"cause": repr(error.__cause__)[:400]} if error.__cause__ else {})
        except (Exception, MemoryError) as error:
            return _refusal(_explain(error, mime_type, limits)) | {"cause": traceback.format_exc()[-4000:]}


def _answer(document: ParsedDocument) -> dict[str, Any]:
    elements = [*filter(None, map(clean_element, document.elements))]
    if not elements and not document.members:
        raise ParseError("no_text")
    return {
        "mime_type": document.mime_type,
        "elements": elements,
        "members": [[clean_prose(member.name), str(member.path)] for member in document.members],
        "metadata": clean_metadata(document.metadata),
    }


def _refusal(error: ParseError) -> dict[str, Any]:
    return {"code": error.code, "detail": clean_prose(error.detail)}


def _explain(error: BaseException, mime_type: str, limits: Limits) -> ParseError:
    """A library's complaint as one of our codes. Most libraries raise anything on a broken file."""
    is_told = isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in _OUT_OF_MEMORY)
    if is_told or sandbox.is_memory_spent(limits):
        return ParseError("parse_memory", megabytes=limits.memory_mb)
    if isinstance(error, RecursionError):
        return ParseError("too_deep")
    if isinstance(error, FileNotFoundError) and not mime_type:
        return ParseError("file_missing")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ParseError("disk_full")
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return ParseError("unpacks_too_large", size=f"more than {limits.output_mb}", limit=limits.output_mb)
    return ParseError("corrupt_file", type=name_of(mime_type))


class _at_home_in:
    """Temporary files and the current folder are the job's own while it runs."""

    def __init__(self, workdir: Path) -> None:
        self.workdir = workdir

    def __enter__(self) -> None:
        os.chdir(self.workdir)
        os.environ["HOME"] = os.environ["TMPDIR"] = tempfile.tempdir = str(self.workdir)

    def __exit__(self, *_: object) -> None:
        os.chdir("/")


def _take_streams() -> tuple[int, int]:
    """The two pipes, out of reach of whatever a library reads or prints."""
    requests, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    return requests, answers


def _requests(stream: int) -> Iterator[dict[str, str]]:
    """Requests until the worker closes its end; imports in advance while there are none."""
    cold = list(reversed(_WARM_UP))
    while True:
        while cold and not select.select([stream], [], [], 0)[0]:
            import_module(cold.pop())
        header = _read(stream, 8)
        if not header:
            return
        yield json.loads(_read(stream, struct.unpack(">Q", header)[0]))


def _read(stream: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = os.read(stream, size - len(data))
        if not part:
            return b""
        data += part
    return data


def _write(stream: int, body: bytes) -> None:
    data = memoryview(struct.pack(">Q", len(body)) + body)
    while data:
        data = data[os.write(stream, data) :]


if __name__ == "__main__":
    main()
