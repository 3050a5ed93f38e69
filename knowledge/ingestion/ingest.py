"""The work on claimed jobs: ingesting documents, and purging what deleted ones left."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from itertools import product
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from core.error_codes import ERROR_CODES, sentence
from core.isolation.scope import tenant_scope
from core.quota_kinds import QuotaKind
from core.quotas import QuotaExceededError
from core.retry_policies import DEFAULT_RETRY
from core.storage import local_copy, remove
from engines.vectors import Filter
from jobs.errors import LeaseLostError
from jobs.queue import fail_all
from jobs.states import JobState
from knowledge.document_quotas import give_back
from knowledge.ingestion.archive_members import add_members
from knowledge.ingestion.attempt import Attempt
from knowledge.ingestion.batch_handback import parser_with_handback
from knowledge.ingestion.chosen_model import choose_model, follow_languages
from knowledge.ingestion.hooks import hooks_of
from knowledge.ingestion.publishing import clean, publish, redo_outdated, remove_unpublished
from knowledge.ingestion.quotas import purge_chunks
from knowledge.ingestion.sources import load_batch
from knowledge.models import Document, IngestionJob, Stage
from knowledge.pipeline import parse, run
from knowledge.pipeline.ports import collection_name
from knowledge.pipeline.values import Tagged
from knowledge.services.rules import switch_off_rules
from knowledge.storage.files import DOCUMENT_FILES
from knowledge.used_models import models_of_documents

DAY_SECONDS = 24 * 3600


def ingest(attempt: Attempt, batch: Sequence[IngestionJob]) -> None:
    """Send the documents through the pipeline, publish their new generations, and clean up after the old ones."""
    tenant_id, progress = attempt.tenant_id, attempt.progress
    unpublished = [job for job in batch if job.document.generation < job.generation]
    job_of = {job.document_id: job for job in unpublished}
    with ExitStack() as stack:
        workdir = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=work_folder())))
        files = _open_files(attempt, unpublished, stack)
        sources = load_batch(attempt, unpublished, files)
        with parser_with_handback(attempt, unpublished, files) as parser:
            hooks = hooks_of(attempt, unpublished, stores_counts=len(batch) == 1)
            parsed, failures = parse(tenant_id, sources, parser, workdir, hooks)
            attempt, parsed = choose_model(attempt, unpublished, files, parsed)
            products = run(tenant_id, parsed, attempt.ports, hooks)
        switch_off_rules(actor=attempt.actor, reasons=[product.stopped_rules for product in products])
        accepted, refused = add_members(attempt, unpublished, products)
        try:
            progress(Stage.FLIP)
        except LeaseLostError:
            remove_unpublished(attempt, unpublished, products)
            raise
        published = _publish_or_fail(attempt, unpublished, accepted)
    follow_languages(attempt, [job for job in unpublished if job in published], products)
    for failure in (*failures, *refused):
        _fail(attempt, job_of[failure.source.document_id], failure.code, failure.detail)
    others = [job for job in unpublished if job not in published]
    remove_unpublished(attempt, others, products)
    if others:
        redo_outdated(attempt, others, products)
    for job in batch:
        # A first generation has no older ones to clean up.
        if job.generation > 1 and (job in published or job not in unpublished):
            progress(Stage.CLEAN)
            clean(attempt, job)


def purge(attempt: Attempt, batch: Sequence[IngestionJob]) -> None:
    """Remove what deleted documents left: points first, rows last, so that a repeated run finds what is still to do. Of
    documents in the trash, only points, until they may not be restored any more."""
    attempt.progress(Stage.CLEAN)
    trashed = [job for job in batch if job.document.trashed_until]
    others = [job for job in batch if job not in trashed]
    with tenant_scope(attempt.tenant_id):
        models = models_of_documents([job.document_id for job in batch])
    # Of a document that is restored meanwhile, the points of later generations stay.
    filters = [
        Filter(document_ids=(job.document_id,), below_generation=job.generation + 1) for job in trashed
    ]
    if others:
        filters.append(Filter(document_ids=tuple(job.document_id for job in others)))
    for model, points in product(models | {attempt.ports.embedder.model}, filters):
        attempt.ports.store.delete(attempt.tenant_id, collection_name(model), points)
    trashed = [job for job in trashed if job.document.trashed_until > timezone.now()]
    for job in trashed:
        with tenant_scope(attempt.tenant_id):
            held = IngestionJob.objects.held([job]).locked()
            held.wait(job.document.trashed_until - timezone.now())
    _remove(attempt, [job for job in batch if job not in trashed])


def _remove(attempt: Attempt, batch: Sequence[IngestionJob]) -> None:
    """What is not restored any more. Documents are locked, so that none is restored meanwhile; then their files go, and the
    rows at last."""
    with tenant_scope(attempt.tenant_id):
        held = attempt.lock_held(batch)
        out_of_trash = [job.document for job in held if job.document.trashed_until]
        give_back(attempt.actor, out_of_trash, [QuotaKind.STORAGE])
        Document.with_deleted.filter(pk__in=[one.pk for one in out_of_trash]).update(trashed_until=None)
    for job in held:
        remove(DOCUMENT_FILES.files_of(attempt.tenant_id, job.document_id))
    with tenant_scope(attempt.tenant_id):
        purge_chunks(attempt, held)
        Document.with_deleted.filter(pk__in=[job.document_id for job in held]).update(
            text="", metadata_json={}, file_metadata_json={}, warnings={}
        )
        rows = IngestionJob.objects.held(held).locked()
        rows.finish(JobState.DONE, timings_json=attempt.progress.timings())


def _publish_or_fail(
    attempt: Attempt, jobs: Sequence[IngestionJob], products: Sequence[Tagged]
) -> set[IngestionJob]:
    """Return the jobs of the published documents; none, and the jobs failed, if they exceed a quota."""
    try:
        return set(publish(attempt, jobs, products))
    except QuotaExceededError as error:
        ids = {product.chunked.source.document_id for product in products}
        failed = [job for job in jobs if job.document_id in ids]
        # Which of several exceed it shows when each is tried alone.
        retry = DEFAULT_RETRY if len(failed) > 1 else None
        fail_all(attempt.handler, attempt.tenant_id, failed, "quota_exceeded", str(error), retry=retry)
        return set()


def work_folder() -> Path:
    """Return the folder in which files are unpacked, below the data folder, so that the remains of killed workers can be
    swept."""
    folder: Path = settings.LAYOUT.data / "work"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sweep_work_folder() -> int:
    """Remove the folders that killed workers left, and return how many; no batch takes a day."""
    removed = 0
    for path in work_folder().iterdir():
        with suppress(FileNotFoundError):  # its worker has just ended
            if time.time() - path.stat().st_mtime > DAY_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
                removed += 1
    return removed


def _open_files(attempt: Attempt, batch: Sequence[IngestionJob], stack: ExitStack) -> dict[UUID, Path]:
    """Return the local paths by document id; a job whose file is missing ends in error here."""
    files: dict[UUID, Path] = {}
    for job in batch:
        try:
            files[job.document_id] = stack.enter_context(local_copy(job.document.file_path))
        except FileNotFoundError:
            _fail(attempt, job, "file_missing", sentence("file_missing"))
    return files


def _fail(attempt: Attempt, job: IngestionJob, code: str, detail: str) -> None:
    fail_all(attempt.handler, attempt.tenant_id, [job], code, detail, retry=ERROR_CODES[code].retry)
