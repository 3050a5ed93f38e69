"""Uploads as a tenant's users make them: a hostile file, a clean one behind it, and the wait for both."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from uuid import UUID, uuid4

from django.db import connection

from core.isolation.scope import tenant_scope
from jobs.drain import unfinished
from knowledge.models import Document, DocumentStatus
from knowledge.storage.values import Upload
from tests.knowledge.libraries import Library, ingestion
from tests.proof.hostile.corpus import CLEAN, Specimen
from tests.proof.hostile.worker import Worker

PATIENCE_SECONDS = 600.0  # longer than is promised, so that the figures tell by how much
POLL_SECONDS = 0.1
RING_SECONDS = 2.0  # as the sweeper does, for what is to be tried again
ENDS = (DocumentStatus.DONE, DocumentStatus.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`code` is empty when the file was read; `seconds` from its upload to its end; `delay` is how much later the clean
    file behind it was done."""

    name: str
    code: str
    seconds: float
    delay: float


def run(libraries: Sequence[Library], worker: Worker, specimens: Iterable[Specimen]) -> list[Outcome]:
    """Each library takes the next specimen as soon as it is through with its last one."""
    waiting, lock, outcomes = iter(specimens), Lock(), list[Outcome]()

    def take() -> Specimen | None:
        with lock:
            return next(waiting, None)

    def drive(library: Library) -> None:
        try:
            while specimen := take():
                outcomes.append(_try_out(library, worker, specimen))
            _see_members_through(library, worker)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(libraries)) as pool:
        for lane in [pool.submit(drive, library) for library in libraries]:
            lane.result()
    return outcomes


def _try_out(library: Library, worker: Worker, specimen: Specimen) -> Outcome:
    start = time.monotonic()
    uploads = [_upload(library, specimen), _upload(library, Specimen(name="clean.md", data=CLEAN))]
    hostile, clean = (added.document_id for added in library.queue(*uploads))
    for upload in uploads:
        upload.path.unlink()
    ends = _ends(library, worker, [hostile, clean])
    (code, end), (wrong, clean_end) = ends[hostile], ends[clean]
    assert not wrong, f"a clean file behind {specimen.name} ended in {wrong}"
    return Outcome(name=specimen.name, code=code, seconds=end - start, delay=max(0.0, clean_end - end))


def _upload(library: Library, specimen: Specimen) -> Upload:
    """The local file and the document's identity have names of ours; the file's own goes the way it goes in life."""
    identity = uuid4().hex
    path = library.folder / identity
    path.write_bytes(specimen.data)
    return Upload(external_id=identity, filename=specimen.name, path=path)


def _ends(library: Library, worker: Worker, ids: Sequence[UUID]) -> dict[UUID, tuple[str, float]]:
    """Of each document the error code, and when it was seen to have ended."""
    ends: dict[UUID, tuple[str, float]] = {}
    start = rung = 0.0
    while len(ends) < len(ids):
        now = time.monotonic()
        start = start or now
        assert now - start < PATIENCE_SECONDS, f"{ids} do not end. {worker.log()[-4000:]}"
        if now - rung > RING_SECONDS:
            rung = now
            worker.ring()
        time.sleep(POLL_SECONDS)
        with tenant_scope(library.tenant_id):
            ended = Document.objects.filter(pk__in=set(ids) - ends.keys(), processed_status__in=ENDS)
            for pk, code in ended.values_list("pk", "error_code"):
                ends[pk] = code, time.monotonic()
    return ends


def _see_members_through(library: Library, worker: Worker) -> None:
    while unfinished(ingestion(), library.tenant_id):
        worker.ring()
        time.sleep(RING_SECONDS / 2)
