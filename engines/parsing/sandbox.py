"""What a parser process gives up: the network, other processes, all files but its own, memory and time without limit.

Several layers do this, each of which a kernel or a container may lack: Landlock for files, a filter of system calls,
namespaces. docs/threat-model.md says what remains without each.
"""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engines.parsing import descendants, landlock, namespaces, system_calls
from engines.parsing.job import Limits

_ROOT = Path(__file__).resolve().parents[2]
FAILED = 3  # the status of a process that could not be confined, and did not open the file
_MAX_OPEN_FILES = 256
_MAX_PROCESSES = 64  # threads count; LibreOffice has some 20
_MAX_OTHER_PROCESSES = 256  # of the same user, where a namespace does not set them apart
_CPU_MARGIN_SECONDS = 1
# What readers, and the programs that they start, read besides OYL's own code.
_READABLE = (
    *("/lib", "/lib64", "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/share"),
    *("/usr/local/bin", "/usr/local/lib", "/usr/local/share", "/opt/libreoffice", "/sys/devices/system/cpu"),
    *("/etc/fonts", "/etc/libreoffice", "/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types"),
    *("/etc/alternatives", "/etc/nsswitch.conf", "/etc/passwd", "/etc/group", "/dev/urandom", "/dev/random"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """What this kernel permits. `landlock` is the version of its interface, or 0."""

    landlock: int
    system_calls: bool
    namespaces: bool

    @property
    def missing(self) -> list[str]:
        named = {"Landlock": self.landlock, "seccomp": self.system_calls, "namespaces": self.namespaces}
        return [name for name, value in named.items() if not value]

    @property
    def is_enough(self) -> bool:
        """Whether the layers are there that need no privilege, which also most containers permit."""
        return bool(self.landlock and self.system_calls)


def enter() -> Layers:
    """Take what all files' processes have in common. This may replace the process by a child (`namespaces.enter`)."""
    has_namespaces = namespaces.enter()
    descendants.adopt_orphans()
    _limit(resource.RLIMIT_NOFILE, _MAX_OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)
    if not has_namespaces:
        _limit(resource.RLIMIT_NPROC, _processes_of_user() + _MAX_OTHER_PROCESSES)
    return Layers(
        landlock=landlock.abi(), system_calls=system_calls.is_available(), namespaces=has_namespaces
    )


def prepare(layers: Layers, limits: Limits, folder: str) -> landlock.Ruleset:
    """Take what does not depend on the file, and return the grants for what all readers need. Raise OSError if a layer that
    the kernel has cannot be taken. The empty folder becomes the only one to write in; with namespaces, it is in memory."""
    if layers.namespaces:
        namespaces.mount_folder(folder, limits.folder_mb)
        _limit(resource.RLIMIT_NPROC, _MAX_PROCESSES)
    _limit(resource.RLIMIT_AS, limits.memory_mb << 20)
    _limit(resource.RLIMIT_FSIZE, limits.output_mb << 20)
    namespaces.drop_capabilities()
    os.chdir(folder)
    ruleset = landlock.Ruleset()
    ruleset.allow_reading(readable())
    ruleset.allow_writing([folder, os.devnull])
    return ruleset


def confine(ruleset: landlock.Ruleset, limits: Limits, file: int | None) -> None:
    """Confine this process, which is prepared, to reading the open file, if there is one, and to writing in its folder.
    Raise OSError if a layer that the kernel has cannot be taken."""
    allow_cpu(limits)
    if file is not None:
        ruleset.allow_reading_file(file)
    ruleset.restrict()
    system_calls.restrict(may_start_programs=True)


def allow_cpu(limits: Limits) -> None:
    """Limit the CPU time until the next page that is recognised, and for good that of all pages. The worker's timeout, which
    is longer, ends what waits or ignores signals."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    total = limits.total_seconds(limits.ocr_pages) + _CPU_MARGIN_SECONDS
    hard = total if hard == resource.RLIM_INFINITY else hard
    soft = int(used.ru_utime + used.ru_stime) + limits.seconds + _CPU_MARGIN_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (min(soft, hard), hard))


def _limit(kind: int, wanted: int) -> None:
    _, hard = resource.getrlimit(kind)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (limit, limit))


@cache
def readable() -> tuple[str, ...]:
    """What readers read, with the folders of the interpreter and its libraries, also where they are beside other files."""
    prefixes = dict.fromkeys((sys.prefix, sys.exec_prefix, sys.base_prefix))
    libraries = [f"{prefix}/{name}" for prefix in prefixes for name in ("bin", "lib", "lib64", "share")]
    return (*_READABLE, f"{_ROOT}/engines", f"{_ROOT}/core", *libraries)


def _processes_of_user() -> int:
    """The number of this user's threads, which the kernel counts as processes."""
    own, count = os.getuid(), 0
    for entry in Path("/proc").iterdir():
        with suppress(OSError, KeyError, ValueError):
            lines = (
                (entry / "status").read_text(errors="replace").splitlines() if entry.name.isdigit() else []
            )
            fields = dict(line.split(":", 1) for line in lines)
            count += int(fields["Threads"]) if int(fields["Uid"].split()[0]) == own else 0
    return count
