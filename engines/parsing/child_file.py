"""The child process that parses one file, or several small ones of a tenant, and ends."""

from __future__ import annotations

import errno
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

from engines.parsing import ParsedDocument, ParseError, frames, own_process, requests, sandbox, system_calls
from engines.parsing.detect import detect
from engines.parsing.format import Format
from engines.parsing.formats import BY_TYPE, display_name, load_drawer, load_reader
from engines.parsing.frames import FrameKind
from engines.parsing.job import Job, Limits
from engines.parsing.sandbox import Layers

_OUT_OF_MEMORY = ("out of memory", "cannot allocate", "bad_alloc", "failed to allocate", "memory allocation")
_MAX_CAUSE_LETTERS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Process:
    """What all files of this process have in common. `memory` is its own status, because the sandbox has no /proc."""

    channel: int
    folder: str
    layers: Layers
    limits: Limits
    memory: IO[bytes]

    def restart_timeout(self) -> None:
        sandbox.allow_cpu(self.limits)
        frames.write(self.channel, FrameKind.PAGE)


def answer(channel: int, folder: str, layers: Layers, limits: Limits) -> NoReturn:
    """Prepare the sandbox, wait for a request, enter the sandbox, parse the file, and end the process. A shared one waits
    for the next request instead."""
    memory = open("/proc/self/status", "rb", buffering=0)  # noqa: PTH123, SIM115
    process = _Process(channel=channel, folder=folder, layers=layers, limits=limits, memory=memory)
    try:
        ruleset = sandbox.prepare(layers, limits, folder)
        request = requests.receive(channel)
        sandbox.confine(ruleset, limits, request.file)
        if request.is_shared:
            own_process.share()
            system_calls.restrict(may_start_programs=False)
    except OSError:
        traceback.print_exc()
        os._exit(sandbox.FAILED)
    os.environ["HOME"] = os.environ["TMPDIR"] = tempfile.tempdir = folder
    _answer(process, request)
    while request.is_shared:
        request = requests.receive(channel)
        sandbox.allow_cpu(limits)
        _answer(process, request)
    os._exit(0)


def _answer(process: _Process, request: requests.Request) -> None:
    path, mime_type = request.path(process.folder), ""
    try:
        mime_type = detect(path, request.filename)
        _confine_to(BY_TYPE[mime_type])
        job = Job(
            path=path,
            filename=request.filename,
            workdir=Path(process.folder),
            mime_type=mime_type,
            limits=process.limits,
            restart_timeout=process.restart_timeout,
            page=request.page,
        )
        work = load_drawer(mime_type) if job.page else load_reader(mime_type)
        _write_document(process.channel, work(job), process.limits)
    except ParseError as error:
        _write_error(process.channel, error, repr(error.__cause__) if error.__cause__ else "")
    except (Exception, MemoryError) as error:
        own_process.require()  # what an earlier file has left may be the cause
        _write_error(process.channel, _parse_error(error, mime_type, process), traceback.format_exc())
    frames.write(process.channel, FrameKind.END)


def _confine_to(format: Format) -> None:
    """A shared process has no more to give up."""
    if not format.shares_process:
        own_process.require()
    if not own_process.is_shared() and not format.starts_programs:
        system_calls.restrict(may_start_programs=False)  # then the limits of a process are those of the file


def _write_document(channel: int, document: ParsedDocument, limits: Limits) -> None:
    count, elements = len(document.elements), frames.pack_elements(document.elements)
    if count > frames.MAX_ELEMENTS:
        raise ParseError("too_many_elements", elements=count, limit=frames.MAX_ELEMENTS)
    header = {
        "mime_type": document.mime_type,
        "metadata": _clipped(document.metadata),
        "page_kind": document.page_kind,
        "warnings": document.warnings[: frames.MAX_WARNINGS],
        "models": _loaded_models(),
    }
    body = _encode(header)
    if (
        len(elements) > frames.packed_bytes(limits.text_mb << 20, count)
        or len(body) > frames.MAX_HEADER_BYTES
    ):
        raise ParseError("output_too_large", limit=limits.text_mb)
    frames.write(channel, FrameKind.HEADER, body)
    frames.write(channel, FrameKind.ELEMENTS, elements)
    for member in document.members:
        frames.write(channel, FrameKind.MEMBER, member.name.encode("utf-8", "surrogatepass"))
        with member.path.open("rb", buffering=0) as file:
            while part := file.read(frames.DATA_BYTES):
                frames.write(channel, FrameKind.DATA, part)


def _clipped(value: Any) -> Any:
    """Return a part of the metadata with the beginnings of long texts and lists: a title can be as long as a book."""
    if isinstance(value, str):
        return value[: frames.MAX_VALUE_LETTERS]
    if isinstance(value, dict):
        return {name: _clipped(one) for name, one in value.items()}
    return [_clipped(one) for one in value[: frames.MAX_VALUES]] if isinstance(value, list | tuple) else value


def _loaded_models() -> list[str]:
    recognition = sys.modules.get("engines.parsing.pictures.ocr")
    loaded = {
        "ocr": bool(recognition and recognition.engine.cache_info().currsize),
        "encodings": "chardet" in sys.modules,
    }
    return [name for name in sorted(frames.MODELS) if loaded[name]]


def _write_error(channel: int, error: ParseError, cause: str) -> None:
    header = {"code": error.code, "detail": error.detail, "cause": cause[-_MAX_CAUSE_LETTERS:]}
    frames.write(channel, FrameKind.HEADER, _encode(header))


def _encode(header: Mapping[str, object]) -> bytes:
    return json.dumps(header, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")


def _parse_error(error: BaseException, mime_type: str, process: _Process) -> ParseError:
    """Return the ParseError for a library's exception. Most libraries raise anything on a broken file."""
    limits = process.limits
    is_out_of_memory = isinstance(error, MemoryError) or any(
        sign in str(error).lower() for sign in _OUT_OF_MEMORY
    )
    if is_out_of_memory or _is_memory_exhausted(limits, process.memory):
        return ParseError("parse_memory", megabytes=limits.memory_mb)
    if isinstance(error, RecursionError):
        return ParseError("too_deep")
    number = error.errno if isinstance(error, OSError) else 0
    if number in (errno.ENOSPC, errno.EDQUOT) and not process.layers.namespaces:
        return ParseError("disk_full")
    if number in (errno.EFBIG, errno.ENOSPC):
        return ParseError("unpacks_too_large", size=f"more than {limits.output_mb}", limit=limits.output_mb)
    return ParseError("corrupt_file", type=display_name(mime_type))


def _is_memory_exhausted(limits: Limits, memory: IO[bytes]) -> bool:
    """Return whether this process came near its limit, which C libraries often report as some other error."""
    peak = next((int(line.split()[1]) for line in memory if line.startswith(b"VmPeak:")), 0)
    return peak >> 10 >= limits.memory_mb * 0.9
