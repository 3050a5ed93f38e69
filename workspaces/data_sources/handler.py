"""The work of an import: the file, or what a database returns, becomes Parquet beside the present rows, and one transaction
makes it the present one."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from uuid import UUID

from django.utils import timezone

from audit.services import record
from core.actors import system_actor
from core.isolation.scope import tenant_scope
from core.json_values import storable
from core.quota_kinds import QuotaKind
from core.quotas import charge
from core.storage import local_copy, remove
from engines.tables import Loaded, TableError, TableLimits, get_tables
from jobs.errors import LeaseLostError
from jobs.handlers import JobHandler
from jobs.planning import without_planned
from jobs.progress import JobProgress
from jobs.querysets import JobQuerySet
from jobs.queue import lock_held
from jobs.states import JobState
from workspaces.data_sources import files
from workspaces.data_sources.database_queries import plan_next_run
from workspaces.data_sources.fetching import fetch
from workspaces.data_sources.importing import QUEUE, read_options
from workspaces.data_sources.schema import profile_of, schema_of
from workspaces.models import DatabaseQuery, DataImport, DataSource

FETCH, IMPORT = "fetch", "import"
LIMITS = TableLimits(seconds=3600.0)


class DataImportHandler(JobHandler[DataImport]):
    model = DataImport
    queue = QUEUE
    unbounded_stages = frozenset({IMPORT})

    def lock_subjects(self, jobs: Sequence[DataImport]) -> None:
        ids = sorted({job.data_source_id for job in jobs})
        rows = DataSource.with_deleted.filter(pk__in=ids).order_by("pk")
        list(rows.select_for_update(no_key=True).values_list("pk"))

    def awaited(self) -> JobQuerySet[DataImport]:
        """Without those that wait for a person to start them."""
        return without_planned(DataImport.objects.exclude(state=JobState.WAITING))

    def work(self, tenant_id: UUID, batch: Sequence[DataImport], progress: JobProgress) -> None:
        (job,) = batch
        with tempfile.TemporaryDirectory(prefix="oyl-import-") as folder:
            target = Path(folder) / "rows.parquet"
            loaded = self._load(tenant_id, job, target, progress)
            name = files.store(
                files.ROWS, target, tenant_id, job.data_source_id, f"{job.pk}-{job.attempt}.parquet"
            )
            size = target.stat().st_size
        try:
            outdated = self._publish(tenant_id, job, loaded, name, size)
        except BaseException:
            remove([name])
            raise
        remove(filter(None, outdated))

    def on_failure(self, job: DataImport, code: str, detail: str) -> None:
        """A schedule goes on with its next run."""
        plan_next_run(job.query)

    def _load(self, tenant_id: UUID, job: DataImport, target: Path, progress: JobProgress) -> Loaded:
        """Raises TableError, whose cells are kept with the job."""
        if job.query_id:
            return self._fetch(tenant_id, job, target, progress)
        progress(IMPORT)
        try:
            with local_copy(job.source_path) as path:
                return get_tables().load(path, job.filename, read_options(job.options_json), target, LIMITS)
        except FileNotFoundError:
            raise TableError("file_missing") from None
        except TableError as error:
            with tenant_scope(tenant_id):
                cells = [storable(asdict(cell)) for cell in error.cells]
                DataImport.objects.held([job]).update(errors_json=cells)
            raise

    def _fetch(self, tenant_id: UUID, job: DataImport, target: Path, progress: JobProgress) -> Loaded:
        """Raises EngineError, and LeaseLostError if the query was deleted."""
        with tenant_scope(tenant_id):
            query = DatabaseQuery.objects.filter(pk=job.query_id).first()
        if query is None:
            raise LeaseLostError
        progress(FETCH)
        found = fetch(tenant_id, query, target.parent, lambda rows: progress(FETCH, done=rows))
        progress(IMPORT)
        return found.load(target, LIMITS)

    def _publish(self, tenant_id: UUID, job: DataImport, loaded: Loaded, name: str, size: int) -> list[str]:
        """Let the rows be those of the data source; returns the files that are not needed any more. Raises LeaseLostError,
        and QuotaExceededError."""
        actor = system_actor(tenant_id, "worker")
        with tenant_scope(tenant_id):
            if not lock_held(self, [job]):
                raise LeaseLostError
            rows = DataImport.objects.filter(pk=job.pk)
            source: DataSource | None = DataSource.objects.filter(pk=job.data_source_id).first()
            if source is None:
                rows.finish(JobState.CANCELLED, source_path="")
                return [name, job.source_path]
            more = {QuotaKind.STORAGE: size - source.size_bytes}
            charge(actor=actor, amounts=more, workspace_id=source.workspace_id)
            before = source.file_path
            old = {"generation": source.generation, "row_count": source.row_count}
            source.file_path, source.size_bytes = name, size
            _describe(source, job, loaded)
            warnings = [*map(storable, loaded.warnings)]
            done = {"generation": source.generation, "row_count": loaded.rows, "warnings_json": warnings}
            rows.finish(JobState.DONE, source_path="", errors_json=[], stage="", **done)
            plan_next_run(job.query)
            new = {"generation": source.generation, "row_count": loaded.rows, "filename": job.filename}
            record(
                actor=actor,
                action="data_source.imported",
                target=source,
                workspace_id=source.workspace_id,
                old=old,
                new=new,
            )
        return [before, job.source_path]


def _describe(source: DataSource, job: DataImport, loaded: Loaded) -> None:
    """Save what is known of the new rows."""
    source.generation += 1
    source.row_count, source.imported_at = loaded.rows, timezone.now()
    source.schema_json = schema_of(loaded, source.schema_json)
    source.profile_json, source.options_json = profile_of(loaded), job.options_json
    source.save()
