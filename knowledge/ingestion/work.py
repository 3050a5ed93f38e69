"""What a worker does when the bell rings: claim a batch of one tenant's jobs, and see each to its end."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from django.conf import settings

from core.actors import Actor, system_actor
from core.isolation.scope import tenant_scope
from core.storage import local_copy, remove
from engines.embedding import EmbeddingError, get_embedder
from engines.vectors import Filter, VectorStoreError, get_vector_store
from knowledge.errors import JOB_ERRORS, LeaseLostError
from knowledge.ingestion import jobs as queue
from knowledge.ingestion.flipping import clean, flip, remove_unshown
from knowledge.ingestion.loading import load_sources
from knowledge.ingestion.members import add_members
from knowledge.ingestion.memory import give_back
from knowledge.ingestion.patience import patient
from knowledge.ingestion.versions import models_of_documents
from knowledge.models import Chunk, Document, IngestionJob, JobKind, JobState, Stage
from knowledge.pipeline import run
from knowledge.pipeline.ports import collection_name, get_ports
from knowledge.pipeline.values import Failure
from knowledge.storage.files import DOCUMENT_FILES, remove_older

logger = logging.getLogger(__name__)
DAY = 24 * 3600


def work_for_anyone() -> int:
    """`work` for one of the tenants that have due jobs."""
    return next(filter(None, map(work, queue.tenants_with_due_jobs())), 0)


def work(tenant_id: UUID) -> int:
    """Claim a batch and process it; the number of jobs claimed, 0 when nothing is due.

    Each claim rings for the next one before it starts: so all workers get busy one after another, and tenants take turns.
    """
    batch = queue.claim(tenant_id)
    if batch:
        queue.ring()
        process(tenant_id, batch)
        give_back()
    return len(batch)


def work_folder() -> Path:
    """Where files are unpacked: below the data folder, so that what a killed worker leaves can be swept."""
    folder: Path = settings.LAYOUT.data / "work"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sweep_work_folder() -> None:
    """Remove what workers left that were killed; no batch takes a day."""
    for left in work_folder().iterdir():
        with suppress(FileNotFoundError):  # whoever works there has just ended
            if time.time() - left.stat().st_mtime > DAY:
                shutil.rmtree(left, ignore_errors=True)


def process(tenant_id: UUID, batch: Sequence[IngestionJob]) -> None:
    actor = system_actor(tenant_id, "worker")
    handle = purge if batch[0].kind == JobKind.PURGE else ingest
    with queue.heartbeat(tenant_id, batch) as tell:
        try:
            handle(actor, batch, tell)
        except LeaseLostError:
            logger.info("jobs %s are no longer ours", [str(job.pk) for job in batch])
        except (EmbeddingError, VectorStoreError) as error:
            logger.warning("%s: %s", error.code, error.detail)
            # Whoever of several is to blame shows when each is tried alone.
            again = error.retryable or len(batch) > 1
            _fail_all(tenant_id, batch, error.code, error.detail, retryable=again)
        except Exception:
            logger.exception("jobs %s failed", [str(job.pk) for job in batch])
            _fail_all(tenant_id, batch, "internal_error", JOB_ERRORS["internal_error"], retryable=True)


def ingest(actor: Actor, batch: Sequence[IngestionJob], tell: queue.Tell) -> None:
    """parse → chunk → embed → tag → index, then the flip, then the clean-up."""
    ports = get_ports()
    unflipped = [job for job in batch if job.document.generation < job.generation]
    with ExitStack() as stack:
        workdir = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=work_folder())))
        files = _open_files(actor, unflipped, stack)
        with tenant_scope(actor.tenant_id):
            # Known before the first point is written: who cleans up must know where points may be.
            IngestionJob.objects.all().held(unflipped).locked().update(versions=ports.versions)
            sources = load_sources(unflipped, files, ports.embedder.model)
        with patient(ports.parser, actor.tenant_id, unflipped, files) as parser:
            mine = replace(ports, parser=parser)
            products, failures = run(actor.tenant_id, sources, mine, workdir, _reporter(batch, tell))
        tagged, too_deep = add_members(actor, unflipped, products)
        shown = set(flip(actor, unflipped, tagged, ports))
    _fail_each(actor.tenant_id, unflipped, [*failures, *too_deep])
    remove_unshown(actor, [job for job in unflipped if job not in shown], products, ports)
    for job in batch:
        # A first generation has nothing to clean up after it.
        if job.generation > 1 and (job in shown or job not in unflipped):
            clean(actor, job, ports)


def purge(actor: Actor, batch: Sequence[IngestionJob], tell: queue.Tell) -> None:
    """What deleted documents left: points first, files last, so that a repeat finds what is still to do."""
    tell(Stage.CLEAN)
    store, ids = get_vector_store(), tuple(job.document_id for job in batch)
    with tenant_scope(actor.tenant_id):
        models = models_of_documents(ids)
    for model in models | {get_embedder().model}:
        store.delete(actor.tenant_id, collection_name(model), Filter(document_ids=ids))
    for document_id in ids:
        remove(DOCUMENT_FILES.files_of(actor.tenant_id, document_id))
    with tenant_scope(actor.tenant_id):
        Chunk.objects.all().filter(document__in=ids).delete_rows()
        Document.with_deleted.filter(pk__in=ids).update(text="", metadata_json={})
        IngestionJob.objects.all().held(batch).locked().finish(JobState.DONE)


def _open_files(actor: Actor, batch: Sequence[IngestionJob], stack: ExitStack) -> dict[UUID, Path]:
    """Local paths by document id; a job whose file is gone ends in error here."""
    files: dict[UUID, Path] = {}
    for job in batch:
        try:
            files[job.document_id] = stack.enter_context(local_copy(job.document.file_path))
        except FileNotFoundError:
            _fail_all(actor.tenant_id, [job], "file_missing", JOB_ERRORS["file_missing"], retryable=False)
    return files


def _reporter(batch: Sequence[IngestionJob], tell: queue.Tell) -> queue.Tell:
    """Counts are told only of a job that is worked on alone: together, they would be everybody's."""
    if len(batch) == 1:
        return tell
    return lambda stage, **counts: tell(stage)


def _fail_each(tenant_id: UUID, batch: Sequence[IngestionJob], failures: Sequence[Failure]) -> None:
    by_document = {job.document_id: job for job in batch}
    for failure in failures:
        job = by_document[failure.source.document_id]
        _fail_all(tenant_id, [job], failure.code, failure.detail, retryable=failure.retryable)


def _fail_all(
    tenant_id: UUID, batch: Sequence[IngestionJob], code: str, detail: str, *, retryable: bool
) -> None:
    with tenant_scope(tenant_id):
        queue.lock_documents([job.document_id for job in batch])
        over = [job for job in batch if queue.fail(job, code, detail, retryable=retryable)]
    for job in over:
        # The file that failed stays, to be tried again; those before it have no use any more.
        remove_older(tenant_id, job.document_id, generation=job.generation, keep=job.document.file_path)
