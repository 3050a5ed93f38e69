"""A parser process whose readers are attacks: the file names one, and says what to aim at.

It can also be given a kernel that lacks layers of the sandbox (`INTRUSION_WITHOUT`): a filter of system calls then answers
as such a kernel would.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import platform
import signal
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from engines.parsing import (
    Element,
    ElementKind,
    Member,
    ParsedDocument,
    child_file,
    child_process,
    frames,
    landlock,
)
from engines.parsing.formats import likely_type
from engines.parsing.frames import FrameKind
from engines.parsing.job import Job
from engines.parsing.readers.archives import ZIP
from engines.parsing.readers.plain_text import PLAIN
from tests.proof.intrusion import attacks
from tests.proof.intrusion.machine import MARK

_LOAD, _IF_EQUAL, _RETURN, _ALLOW, _ERROR = 0x20, 0x15, 0x06, 0x7FFF0000, 0x00050000
_X86 = platform.machine() == "x86_64"
# (number of the system call, its first argument or None, error) by missing layer.
LACKING: dict[str, list[tuple[int, int | None, int]]] = {
    "landlock": [(444, None, errno.ENOSYS)],
    "namespaces": [(272 if _X86 else 97, None, errno.EPERM)],
    "later-landlock": [],
    "seccomp": [(157 if _X86 else 167, argument, errno.EINVAL) for argument in (21, 22)],
}


def lack(layers: str) -> None:
    """Behave as a kernel without these layers, for this process and its children."""
    if "later-landlock" in layers.split():
        vars(landlock)["abi"] = lambda: 1
    program = []
    for number, argument, error in [rule for layer in layers.split() for rule in LACKING[layer]]:
        program += [(_LOAD, 0, 0, 0), (_IF_EQUAL, 0, 1 if argument is None else 3, number)]
        if argument is not None:
            program += [(_LOAD, 0, 0, 16), (_IF_EQUAL, 0, 1, argument)]
        program += [(_RETURN, 0, 0, _ERROR | error)]
    program += [(_RETURN, 0, 0, _ALLOW)]
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    filter = struct.pack("@HxxxxxxP", len(program), ctypes.cast(ctypes.c_char_p(code), ctypes.c_void_p).value)
    libc = ctypes.CDLL(None)
    libc.prctl(38, 1, 0, 0, 0)
    assert libc.prctl(22, 2, filter, 0, 0) == 0


def attack(job: Job) -> ParsedDocument:
    targets = json.loads(job.path.read_text())
    run: dict[str, Callable[[], Any]] = {
        "all": lambda: attacks.try_all(targets),
        "spin": _spin,
        "fork": os.fork,
        "multiply": lambda: _multiply(targets["processes"], targets["mb"]),
        "pages": lambda: _send_pages(targets["pages"]),
        "forge": lambda: _forge(targets["kind"], 3),
        "infect": lambda: _infect(job),
        "look": lambda: {
            "pid": os.getpid(),
            "hash": hash("a word"),
            "found": attacks.STOLEN,
            "files": [path.name for path in Path().iterdir()],
        },
        "fill": lambda: attacks.fill_the_disk(targets, removed=targets["removed"]),
    }
    if targets["attack"] == "link":
        return _linked_member(job, targets["secrets"])
    text = json.dumps(run[targets["attack"]]())
    return ParsedDocument(mime_type=PLAIN, elements=(Element(ElementKind.CODE, text),))


def _linked_member(job: Job, path: str) -> ParsedDocument:
    link = job.workdir / "1"
    link.symlink_to(path)
    return ParsedDocument(mime_type=ZIP, members=(Member(name="loot", path=link),))


def _spin() -> None:
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    while True:
        pass


def _multiply(processes: int, megabytes: int) -> None:
    """Keep so much memory in each of some processes, which end when this one does."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in range(processes):
        if os.fork() == 0:
            kept = bytearray(megabytes << 20)
            kept[::4096] = b"1" * len(kept[::4096])
            signal.pause()
    signal.pause()


def _send_pages(number: int) -> None:
    for _ in range(number):
        frames.write(3, FrameKind.PAGE)
        time.sleep(0.4)


def _infect(job: Job) -> dict[str, Any]:
    attacks.STOLEN.append(MARK)
    (job.workdir / "kept").write_text(MARK)
    vars(child_file)["load_reader"] = lambda mime_type: lambda job: replace(attack(job), elements=())
    return {"pid": os.getpid()}


def _forge(kind: str, channel: int) -> None:
    """Write an answer of one's own to the worker."""
    frames.write(
        channel,
        FrameKind.HEADER,
        b'{"mime_type": "text/plain", "metadata": {}, "page_kind": "page", "warnings": []}',
    )
    frames.write(channel, FrameKind.ELEMENTS, frames.pack_elements([]))
    if kind == "path":
        frames.write(channel, FrameKind.MEMBER, b"../../../secrets.json")
        frames.write(channel, FrameKind.DATA, b"mine")
    elif kind == "endless":
        while True:
            frames.write(channel, FrameKind.MEMBER, b"a")
            frames.write(channel, FrameKind.DATA, bytes(frames.DATA_BYTES))
    os._exit(0)


if __name__ == "__main__":
    if layers := os.environ.get("INTRUSION_WITHOUT"):
        lack(layers)
    vars(child_file)["load_reader"] = lambda mime_type: attack
    vars(child_file)["detect"] = lambda path, filename: likely_type(filename)
    child_process.main()
