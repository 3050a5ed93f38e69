"""Files that no data source and no import names any more: of deleted data sources, of imports that failed or that nobody
started, and of workers that died."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.core.files.storage import default_storage
from django.utils import timezone

from core.isolation.scope import tenant_scope
from core.isolation.tenant_directory import all_tenants
from core.limits import KEPT as RUNS_KEPT
from core.storage import remove
from jobs.states import JobState
from workspaces.data_sources import files
from workspaces.models import DataImport, DataSource

KEPT, YOUNG = timedelta(days=7), timedelta(hours=2)


def remove_files() -> int:
    """Of all tenants. Returns the number of files."""
    return sum(map(remove_files_of, all_tenants()))


def remove_files_of(tenant_id: UUID) -> int:
    """Files of the last hours may be of an import that is under way. Old runs of queries are deleted, too."""
    stored = [*files.ROWS.all_files(tenant_id), *files.UPLOADS.all_files(tenant_id)]
    with tenant_scope(tenant_id):
        old = DataImport.objects.filter(updated_at__lt=timezone.now() - KEPT)
        waiting = old.filter(state=JobState.WAITING)
        waiting.filter(pk__in=waiting.lock()).finish(JobState.CANCELLED)
        old.filter(query__isnull=False, finished_at__lt=timezone.now() - RUNS_KEPT).delete_rows()
        old.filter(state__in=(JobState.ERROR, JobState.CANCELLED)).exclude(source_path="").update(
            source_path=""
        )
        sources = DataSource.objects.all()
        imports = DataImport.objects.filter(data_source__deleted_at=None)
        named = {*sources.values_list("file_path", flat=True), *imports.values_list("source_path", flat=True)}
    unnamed = [name for name in stored if name not in named and _is_old(name)]
    remove(unnamed)
    return len(unnamed)


def _is_old(name: str) -> bool:
    try:
        return default_storage.get_modified_time(name) < timezone.now() - YOUNG
    except FileNotFoundError:
        return False
