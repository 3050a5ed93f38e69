"""What else happens when data sources are deleted. Their files are removed later (`upkeep`)."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import models

from core.actors import Actor
from core.quota_kinds import QuotaKind
from core.quotas import count
from jobs.states import UNFINISHED, JobState
from workspaces.models import DatabaseQuery, DataImport, DataSource


def delete_imports(*, actor: Actor, instances: Sequence[models.Model]) -> None:
    """Cancel the imports of deleted data sources, delete their queries, and count their rows no more."""
    sources = [one for one in instances if isinstance(one, DataSource)]
    for source in sources:
        count(
            actor=actor,
            amounts={QuotaKind.STORAGE: -source.size_bytes},
            workspace_id=source.workspace_id,
        )
    imports = DataImport.objects.filter(data_source__in=[one.pk for one in sources], state__in=UNFINISHED)
    imports.filter(pk__in=imports.lock()).finish(JobState.CANCELLED)
    DatabaseQuery.objects.filter(data_source__in=[one.pk for one in sources]).soft_delete()
