"""The parser process: reads requests from its standard input and writes responses to its standard output.

Started by `engines.parsing.process`. Needs neither Django nor settings.
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

from core.process_start import prepare_process
from engines.parsing import ParseError, sandbox
from engines.parsing.detect import detect
from engines.parsing.formats import display_name, load_reader
from engines.parsing.job import Job, Limits
from engines.parsing.text_cleaning import clean_element, clean_metadata, clean_prose

# Only imports that are quick, because a request waits for the one in progress. Those of Word and OCR hold 100 MB each.
_IMPORTS_WHEN_IDLE = ("lxml.html", "engines.parsing.markdown", "pypdfium2", "openpyxl")
_OUT_OF_MEMORY = ("out of memory", "cannot allocate", "bad_alloc", "failed to allocate", "memory allocation")


def main() -> None:
    limits = Limits(**json.loads(sys.argv[1]))
    # Libraries may read standard input and print: they get /dev/null and standard error instead of the pipes.
    requests, responses = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(2, 1)
    sandbox.enter(limits)
    prepare_process()  # after the sandbox, because a protected process cannot make a user namespace
    _write_frame(responses, b"{}")

    def restart_timeout() -> None:
        sandbox.allow_cpu(limits.seconds)
        _write_frame(responses, b"")

    for request in _requests(requests):
        sandbox.allow_cpu(limits.seconds)
        response = handle(request, limits, restart_timeout)
        response["resident_mb"] = sandbox.resident_mb()
        body = json.dumps(response, ensure_ascii=False).encode("utf-8", "replace")
        if len(body) > limits.text_mb << 20:
            body = json.dumps(_error_response(ParseError("output_too_large", limit=limits.text_mb))).encode()
        del response
        _write_frame(responses, body)


def handle(request: dict[str, str], limits: Limits, restart_timeout: Callable[[], None]) -> dict[str, Any]:
    """Parse one file: return its elements, or the error. Temporary files and the current folder are the job's own."""
    path, filename, workdir = Path(request["path"]), request["filename"], Path(request["workdir"])
    mime_type = ""
    os.chdir(workdir)
    os.environ["HOME"] = os.environ["TMPDIR"] = tempfile.tempdir = str(workdir)
    try:
        mime_type = detect(path, filename)
        job = Job(
            path=path,
            filename=filename,
            workdir=workdir,
            mime_type=mime_type,
            limits=limits,
            restart_timeout=restart_timeout,
        )
        document = load_reader(mime_type)(job)
        elements = [*filter(None, map(clean_element, document.elements))]
        if not elements and not document.members:
            raise ParseError("no_text")
        return {
            "mime_type": document.mime_type,
            "elements": elements,
            "members": [[clean_prose(member.name), str(member.path)] for member in document.members],
            "metadata": clean_metadata(document.metadata),
        }
    except ParseError as error:
        return _error_response(error) | ({"cause": repr(error.__cause__)[:400]} if error.__cause__ else {})
    except (Exception, MemoryError) as error:
        parse_error = _parse_error(error, mime_type, limits)
        return _error_response(parse_error) | {"cause": traceback.format_exc()[-4000:]}
    finally:
        os.chdir("/")


def _error_response(error: ParseError) -> dict[str, Any]:
    return {"code": error.code, "detail": clean_prose(error.detail)}


def _parse_error(error: BaseException, mime_type: str, limits: Limits) -> ParseError:
    """Return the ParseError for a library's exception. Most libraries raise anything on a broken file."""
    is_out_of_memory = isinstance(error, MemoryError) or any(
        sign in str(error).lower() for sign in _OUT_OF_MEMORY
    )
    if is_out_of_memory or sandbox.is_memory_exhausted(limits):
        return ParseError("parse_memory", megabytes=limits.memory_mb)
    if isinstance(error, RecursionError):
        return ParseError("too_deep")
    if isinstance(error, FileNotFoundError) and not mime_type:
        return ParseError("file_missing")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ParseError("disk_full")
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return ParseError("unpacks_too_large", size=f"more than {limits.output_mb}", limit=limits.output_mb)
    return ParseError("corrupt_file", type=display_name(mime_type))


def _requests(stream: int) -> Iterator[dict[str, str]]:
    """Yield requests until the worker closes its end. Import modules in advance while there are none."""
    modules = list(reversed(_IMPORTS_WHEN_IDLE))
    while True:
        while modules and not select.select([stream], [], [], 0)[0]:
            import_module(modules.pop())
        header = _read(stream, 8)
        if not header:
            return
        yield json.loads(_read(stream, struct.unpack(">Q", header)[0]))


def _read(stream: int, size: int) -> bytes:
    """Return `size` bytes, or b"" at the end of the stream."""
    data = b""
    while len(data) < size:
        part = os.read(stream, size - len(data))
        if not part:
            return b""
        data += part
    return data


def _write_frame(stream: int, body: bytes) -> None:
    data = memoryview(struct.pack(">Q", len(body)) + body)
    while data:
        data = data[os.write(stream, data) :]


if __name__ == "__main__":
    main()
