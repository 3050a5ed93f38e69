"""Uploads like those of tenants' users: a hostile file and a clean one behind it, until both are processed."""

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

TIMEOUT_SECONDS = 600.0  # longer than the test permits, so that the figures show the excess
POLL_SECONDS = 0.1
WAKE_INTERVAL_SECONDS = 2.0  # replaces the sweeper, which wakes the worker for retries
FINAL_STATUSES = (DocumentStatus.DONE, DocumentStatus.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`code` is empty if the file was parsed; `seconds` is the time from its upload until it was processed; `delay` is how
    much later the clean file behind it was done."""

    name: str
    code: str
    seconds: float
    delay: float


def run(libraries: Sequence[Library], worker: Worker, specimens: Iterable[Specimen]) -> list[Outcome]:
    """Upload the specimens, each library the next one as soon as its last one is processed."""
    remaining, lock, outcomes = iter(specimens), Lock(), list[Outcome]()

    def next_specimen() -> Specimen | None:
        with lock:
            return next(remaining, None)

    def upload_all(library: Library) -> None:
        try:
            while specimen := next_specimen():
                outcomes.append(_upload_and_wait(library, worker, specimen))
            _wait_for_members(library, worker)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(libraries)) as pool:
        for future in [pool.submit(upload_all, library) for library in libraries]:
            future.result()
    return outcomes


def _upload_and_wait(library: Library, worker: Worker, specimen: Specimen) -> Outcome:
    start = time.monotonic()
    uploads = [_upload(library, specimen), _upload(library, Specimen(name="clean.md", data=CLEAN))]
    hostile, clean = (added.document_id for added in library.queue(*uploads))
    for upload in uploads:
        upload.path.unlink()
    results = _wait_until_processed(library, worker, [hostile, clean])
    (code, end), (clean_code, clean_end) = results[hostile], results[clean]
    assert not clean_code, f"a clean file behind {specimen.name} ended in {clean_code}"
    return Outcome(name=specimen.name, code=code, seconds=end - start, delay=max(0.0, clean_end - end))


def _upload(library: Library, specimen: Specimen) -> Upload:
    """The local file and the external id have generated names; only the filename is the specimen's."""
    external_id = uuid4().hex
    path = library.folder / external_id
    path.write_bytes(specimen.data)
    return Upload(external_id=external_id, filename=specimen.name, path=path)


def _wait_until_processed(
    library: Library, worker: Worker, ids: Sequence[UUID]
) -> dict[UUID, tuple[str, float]]:
    """Return each document's error code, and when it was processed."""
    results: dict[UUID, tuple[str, float]] = {}
    start = woken = 0.0
    while len(results) < len(ids):
        now = time.monotonic()
        start = start or now
        assert now - start < TIMEOUT_SECONDS, f"{ids} are not processed. {worker.log()[-4000:]}"
        if now - woken > WAKE_INTERVAL_SECONDS:
            woken = now
            worker.wake()
        time.sleep(POLL_SECONDS)
        with tenant_scope(library.tenant_id):
            processed = Document.objects.filter(
                pk__in=set(ids) - results.keys(), processed_status__in=FINAL_STATUSES
            )
            for pk, code in processed.values_list("pk", "error_code"):
                results[pk] = code, time.monotonic()
    return results


def _wait_for_members(library: Library, worker: Worker) -> None:
    while unfinished(ingestion(), library.tenant_id):
        worker.wake()
        time.sleep(WAKE_INTERVAL_SECONDS / 2)
