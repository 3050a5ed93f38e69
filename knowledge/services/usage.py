"""What an organisation, or each of its workspaces, uses: for whoever pays for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Sum

from assistants.models import Assistant
from knowledge.models import Document, DocumentStatus, IngestionJob, JobKind, JobState, Reference, StoredFile
from tenants.actors import Actor
from tenants.models import ApiKey, Membership, Role
from tenants.scope import tenant_scope
from workspaces.models import Workspace

ORIGINALS = {
    **{status: Count("pk", filter=Q(processed_status=status)) for status in DocumentStatus.values},
    "document_bytes": Sum("size_bytes", default=0),
}
SHOWN = Q(document__deleted_at=None, document__generation=F("generation"))


@dataclass(frozen=True, slots=True)
class Period:
    """Days in UTC, the first and the last included."""

    since: date
    until: date

    @property
    def moments(self) -> tuple[datetime, datetime]:
        return datetime.combine(self.since, time.min, UTC), datetime.combine(self.until, time.max, UTC)


@dataclass(frozen=True, slots=True)
class _Part:
    """Figures of some rows, and the way from these to their workspace."""

    rows: QuerySet[Any]
    workspace: str
    figures: dict[str, Any]

    def of_all(self) -> dict[str, int]:
        return self.rows.aggregate(**self.figures)

    def of_each(self, workspaces: Sequence[Workspace]) -> dict[UUID, dict[str, int]]:
        """Of those that have any such rows."""
        rows = self.rows.filter(**{f"{self.workspace}__in": workspaces}).values(self.workspace)
        return {one.pop(self.workspace): one for one in rows.annotate(**self.figures)}


def usage_of_organisation(*, actor: Actor, period: Period) -> dict[str, int]:
    actor.require(Role.ADMIN)
    with tenant_scope(actor.tenant_id):
        found = {
            "members": Membership.objects.count(),
            "api_keys": ApiKey.objects.filter(revoked_at=None).count(),
            "workspaces": Workspace.objects.count(),
            **StoredFile.objects.aggregate(files=Count("pk"), file_bytes=Sum("size_bytes", default=0)),
        }
        for part in _parts(period):
            found |= part.of_all()
    return found


def usage_of_workspaces(
    *, actor: Actor, workspaces: Sequence[Workspace], period: Period
) -> list[dict[str, Any]]:
    """Of each of these, in their order."""
    actor.require(Role.ADMIN)
    with tenant_scope(actor.tenant_id):
        parts = [(part.figures, part.of_each(workspaces)) for part in _parts(period)]
    found = []
    for workspace in workspaces:
        usage: dict[str, Any] = {"workspace": workspace.pk, "name": workspace.name}
        for figures, of_each in parts:
            usage |= of_each.get(workspace.pk) or dict.fromkeys(figures, 0)
        found.append(usage)
    return found


def _parts(period: Period) -> list[_Part]:
    jobs = IngestionJob.objects.all().filter(kind=JobKind.INGEST)
    return [
        _Part(Assistant.objects.all(), "workspace", {"assistants": Count("pk")}),
        _Part(Reference.objects.all(), "workspace", {"references": Count("pk")}),
        _Part(Document.objects.all(), "reference__workspace", ORIGINALS),
        _Part(jobs, "document__reference__workspace", _work(period)),
    ]


def _work(period: Period) -> dict[str, Any]:
    """Chunks are as many as the jobs made that made what is shown: to count them takes longer."""
    then = Q(finished_at__range=period.moments)
    done = then & Q(state=JobState.DONE)
    return {
        "chunks": Sum("chunks_total", filter=SHOWN, default=0),
        "ingested": Count("pk", filter=done),
        "ingested_chunks": Sum("chunks_total", filter=done, default=0),
        "failed": Count("pk", filter=then & Q(state=JobState.ERROR)),
    }
