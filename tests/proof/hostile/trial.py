"""All files through one worker, and what was seen meanwhile and afterwards."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

from django.conf import settings

from core.isolation.scope import tenant_scope
from knowledge.models import Document, DocumentStatus
from knowledge.storage.files import STORES
from oyl.embedded.supervisor import ROOT
from tests.knowledge.libraries import Library
from tests.proof.hostile import lanes, watch
from tests.proof.hostile.corpus import Specimen
from tests.proof.hostile.lanes import Outcome
from tests.proof.hostile.watch import Seen
from tests.proof.hostile.worker import Worker, running

SETTLE_SECONDS = 10.0
PLACES = (Path("/"), Path(gettempdir()), ROOT, ROOT.parent, settings.LAYOUT.data, settings.LAYOUT.files)
# What files of the data folder's make.py would leave.
SLIPPED = {"oyl_slipped.txt", "oyl_absolute.txt", "oyl_mail.txt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """`errors` are code and sentence of every document that could not be read, members included; `calls` were made to
    the address that files name."""

    outcomes: Sequence[Outcome]
    errors: Sequence[tuple[str, str]]
    seen: Seen
    is_same_worker: bool
    growth_mb: int
    stray_processes: Sequence[str]
    stray_files: Sequence[str]
    calls: int


Files = Callable[[str, str], Iterable[Specimen]]


def hold(libraries: Sequence[Library], honest: Iterable[Specimen], files: Files) -> Trial:
    """After `honest` work the worker is as large as such work makes it. `files` are made with the address that none of them
    may call, and the name that none of them may leave."""
    token = f"slipped-{os.urandom(8).hex()}"
    with watch.adopting(), _listening() as listener, running() as worker:
        kin = watch.children(os.getpid())
        lanes.run(libraries, worker, honest)
        at_first = watch.megabytes(worker.pid)
        with watch.watching(worker.pid) as seen:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            outcomes = lanes.run(libraries, worker, files(address, token))
        growth = watch.megabytes(worker.pid) - at_first
        strays = [*_idlers(worker), *(watch.children(os.getpid()) - kin)]
        return Trial(
            outcomes=outcomes,
            errors=[error for library in libraries for error in _errors(library)],
            seen=seen,
            is_same_worker=worker.process.poll() is None,
            growth_mb=growth,
            stray_processes=[watch.command(pid) for pid in strays],
            stray_files=[*map(str, worker.leftovers()), *_slipped(token), *_unknown(libraries)],
            calls=_calls(listener),
        )


def _idlers(worker: Worker) -> set[int]:
    """Descendants that are no parsers, once the last job has been cleaned up after."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while found := {pid for pid in watch.descendants(worker.pid) if not watch.is_parser(pid)}:
        if time.monotonic() > deadline:
            break
        time.sleep(0.2)
    return found


def _errors(library: Library) -> Iterator[tuple[str, str]]:
    with tenant_scope(library.tenant_id):
        failed = Document.objects.filter(processed_status=DocumentStatus.ERROR)
        yield from failed.values_list("error_code", "error_detail")


def _slipped(token: str) -> list[str]:
    """Files that got where their archives wanted them."""
    found = (path for place in PLACES for path in place.iterdir())
    return [str(path) for path in found if token in path.name or path.name in SLIPPED]


def _unknown(libraries: Sequence[Library]) -> Iterator[str]:
    """Stored files that are no document's."""
    for library in libraries:
        with tenant_scope(library.tenant_id):
            known = set(Document.with_deleted.values_list("file_path", flat=True))
        yield from {name for store in STORES for name in store.all_files(library.tenant_id)} - known


@contextmanager
def _listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield listener


def _calls(listener: socket.socket) -> int:
    listener.settimeout(0.1)
    calls = 0
    with suppress(TimeoutError):
        while True:
            listener.accept()[0].close()
            calls += 1
    return calls
