"""The work on claimed jobs: ingesting documents, and purging what deleted ones left."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from django.conf import settings

from core.error_codes import ERROR_CODES, sentence
from core.isolation.scope import tenant_scope
from core.progress import Progress
from core.storage import local_copy, remove
from engines.vectors import Filter
from jobs.progress import JobProgress
from jobs.queue import fail_all
from jobs.states import JobState
from knowledge.ingestion.archive_members import add_members
from knowledge.ingestion.attempt import Attempt
from knowledge.ingestion.batch_handback import handing_back
from knowledge.ingestion.publishing import clean, publish, remove_unpublished
from knowledge.ingestion.sources import load_sources
from knowledge.models import Chunk, Document, IngestionJob, Stage
from knowledge.pipeline import run
from knowledge.pipeline.ports import collection_name
from knowledge.pipeline.values import Failure
from knowledge.storage.files import DOCUMENT_FILES
from knowledge.used_models import models_of_documents

DAY_SECONDS = 24 * 3600


def ingest(attempt: Attempt, batch: Sequence[IngestionJob]) -> None:
    """parse → chunk → embed → tag → index, then the flip, then the clean-up."""
    tenant_id, ports, progress = attempt.tenant_id, attempt.ports, attempt.progress
    unflipped = [job for job in batch if job.document.generation < job.generation]
    with ExitStack() as stack:
        workdir = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=work_folder())))
        files = _open_files(attempt, unflipped, stack)
        with tenant_scope(tenant_id):
            # Stored before the first point is written: the clean-up must know where points may be.
            IngestionJob.objects.held(unflipped).locked().update(versions={"model": ports.embedder.model})
            sources = load_sources(unflipped, files, ports.embedder.model)
        with handing_back(attempt, unflipped, files) as parser:
            watched = progress if len(batch) == 1 else _without_counts(progress)
            products, failures = run(tenant_id, sources, replace(ports, parser=parser), workdir, watched)
        accepted, refused = add_members(attempt, unflipped, products)
        progress(Stage.FLIP)
        shown = set(publish(attempt, unflipped, accepted))
    _fail_each(attempt, unflipped, [*failures, *refused])
    remove_unpublished(attempt, [job for job in unflipped if job not in shown], products)
    for job in batch:
        # A first generation has nothing to clean up after it.
        if job.generation > 1 and (job in shown or job not in unflipped):
            progress(Stage.CLEAN)
            clean(attempt, job)


def purge(attempt: Attempt, batch: Sequence[IngestionJob]) -> None:
    """Remove what deleted documents left: points first, files last, so that a repeat finds what is still to do."""
    attempt.progress(Stage.CLEAN)
    ids = tuple(job.document_id for job in batch)
    with tenant_scope(attempt.tenant_id):
        models = models_of_documents(ids)
    for model in models | {attempt.ports.embedder.model}:
        attempt.ports.store.delete(attempt.tenant_id, collection_name(model), Filter(document_ids=ids))
    for document_id in ids:
        remove(DOCUMENT_FILES.files_of(attempt.tenant_id, document_id))
    with tenant_scope(attempt.tenant_id):
        Chunk.objects.filter(document__in=ids).delete_rows()
        Document.with_deleted.filter(pk__in=ids).update(text="", metadata_json={}, file_metadata_json={})
        held = IngestionJob.objects.held(batch).locked()
        held.finish(JobState.DONE, timings_json=attempt.progress.timings())


def work_folder() -> Path:
    """Where files are unpacked: below the data folder, so that what a killed worker leaves can be swept."""
    folder: Path = settings.LAYOUT.data / "work"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sweep_work_folder() -> None:
    """Remove what workers left that were killed; no batch takes a day."""
    for left in work_folder().iterdir():
        with suppress(FileNotFoundError):  # its worker has just ended
            if time.time() - left.stat().st_mtime > DAY_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def _open_files(attempt: Attempt, batch: Sequence[IngestionJob], stack: ExitStack) -> dict[UUID, Path]:
    """Local paths by document id; a job whose file is gone ends in error here."""
    files: dict[UUID, Path] = {}
    for job in batch:
        try:
            files[job.document_id] = stack.enter_context(local_copy(job.document.file_path))
        except FileNotFoundError:
            code = "file_missing"
            _fail(attempt, job, code, sentence(code))
    return files


def _without_counts(progress: JobProgress) -> Progress:
    """Of jobs that are worked on together, counts would be stored with each as if they were its own."""

    def stages_only(stage: str, *, done: int = 0, total: int = 0) -> None:
        progress(stage)

    return stages_only


def _fail_each(attempt: Attempt, batch: Sequence[IngestionJob], failures: Sequence[Failure]) -> None:
    by_document = {job.document_id: job for job in batch}
    for failure in failures:
        _fail(attempt, by_document[failure.source.document_id], failure.code, failure.detail)


def _fail(attempt: Attempt, job: IngestionJob, code: str, detail: str) -> None:
    fail_all(attempt.handler, attempt.tenant_id, [job], code, detail, retry=ERROR_CODES[code].retry)
