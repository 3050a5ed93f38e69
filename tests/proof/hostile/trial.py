"""Runs all files through one worker, and collects what is observed meanwhile and afterwards."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import TypeVar

from django.conf import settings

from core.isolation.scope import tenant_scope
from knowledge.models import Document, DocumentStatus
from knowledge.storage.files import STORES
from oyl.embedded.supervisor import ROOT
from tests.knowledge.libraries import Library
from tests.proof.hostile import uploads, watch
from tests.proof.hostile.corpus import Specimen
from tests.proof.hostile.uploads import Outcome
from tests.proof.hostile.watch import Observed
from tests.proof.hostile.worker import Worker, run_worker

T = TypeVar("T")
SETTLE_TIMEOUT_SECONDS = 10.0
SEARCHED_FOLDERS = (
    Path("/"),
    Path(gettempdir()),
    ROOT,
    ROOT.parent,
    settings.LAYOUT.data,
    settings.LAYOUT.files,
)
# The names that files of the data folder's make.py would write.
ESCAPED_NAMES = {"oyl_slipped.txt", "oyl_absolute.txt", "oyl_mail.txt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """`errors` are the codes and details of all documents that could not be parsed, members included; `calls` is the number
    of connections to the address that the files name."""

    outcomes: Sequence[Outcome]
    errors: Sequence[tuple[str, str]]
    observed: Observed
    is_same_worker: bool
    growth_mb: int
    stray_processes: Sequence[str]
    stray_files: Sequence[str]
    calls: int


Files = Callable[[str, str], Iterable[Specimen]]


def run_trial(libraries: Sequence[Library], benign: Iterable[Specimen], files: Files) -> Trial:
    """Measure the worker's growth after the `benign` files. `files` is called with the address that no file may request, and
    with the token in the names that no file may write."""
    token = f"escaped-{os.urandom(8).hex()}"
    with watch.child_subreaper(), _listening() as listener, run_worker() as worker:
        own_children = watch.children(os.getpid())
        uploads.run(libraries, worker, benign)
        initial_mb = watch.memory_mb(worker.pid)
        with watch.watch_process(worker.pid) as observed:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            outcomes = uploads.run(libraries, worker, files(address, token))
        growth = watch.memory_mb(worker.pid) - initial_mb
        strays = [
            *_remaining(lambda: _stray_processes(worker)),
            *(watch.children(os.getpid()) - own_children),
        ]
        return Trial(
            outcomes=outcomes,
            errors=[error for library in libraries for error in _errors(library)],
            observed=observed,
            is_same_worker=worker.process.poll() is None,
            growth_mb=growth,
            stray_processes=[watch.command(pid) for pid in strays],
            stray_files=[
                *map(str, _remaining(lambda: _stray_files(worker))),
                *_escaped_files(token),
                *_orphaned_files(libraries),
            ],
            calls=_count_calls(listener),
        )


def _remaining(read: Callable[[], Collection[T]]) -> Collection[T]:
    """Return what is left when the last job's cleanup, or that of other tests' jobs, has had time to end."""
    deadline = time.monotonic() + SETTLE_TIMEOUT_SECONDS
    while (found := read()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def _stray_processes(worker: Worker) -> set[int]:
    """Return the descendants other than the warm parsers and the child that each has prepared for the next file: those of
    files must have ended."""
    warm = _warm_parsers(worker)
    prepared = {min(watch.children(pid), default=pid) for pid in warm}
    return watch.descendants(worker.pid) - warm - prepared


def _stray_files(worker: Worker) -> list[Path]:
    """Return the files other than the folder of each warm parser."""
    paths = worker.leftovers()
    folders = [path for path in paths if path.name.startswith("oyl-parser-")]
    return [path for path in paths if path not in folders[: len(_warm_parsers(worker))]]


def _warm_parsers(worker: Worker) -> set[int]:
    return {pid for pid in watch.descendants(worker.pid) if watch.is_warm_parser(pid)}


def _errors(library: Library) -> Iterator[tuple[str, str]]:
    with tenant_scope(library.tenant_id):
        failed = Document.objects.filter(processed_status=DocumentStatus.ERROR)
        yield from failed.values_list("error_code", "error_detail")


def _escaped_files(token: str) -> list[str]:
    """Return the files that were written outside of their folder."""
    paths = (path for folder in SEARCHED_FOLDERS for path in folder.iterdir())
    return [str(path) for path in paths if token in path.name or path.name in ESCAPED_NAMES]


def _orphaned_files(libraries: Sequence[Library]) -> Iterator[str]:
    """Yield stored files that belong to no document."""
    for library in libraries:
        with tenant_scope(library.tenant_id):
            referenced = set(Document.with_deleted.values_list("file_path", flat=True))
        yield from {name for store in STORES for name in store.all_files(library.tenant_id)} - referenced


@contextmanager
def _listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield listener


def _count_calls(listener: socket.socket) -> int:
    listener.settimeout(0.1)
    calls = 0
    with suppress(TimeoutError):
        while True:
            listener.accept()[0].close()
            calls += 1
    return calls
