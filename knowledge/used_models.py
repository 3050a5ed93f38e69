"""The embedding models that vectors of a document or a tenant were ever made with, from their jobs."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from core.isolation.scope import tenant_scope
from jobs.querysets import JobQuerySet
from knowledge.models import IngestionJob


def models_of_tenant(tenant_id: UUID) -> set[str]:
    with tenant_scope(tenant_id):
        return _models(IngestionJob.objects.all())


def models_of_documents(document_ids: Sequence[UUID]) -> set[str]:
    """Inside a scope."""
    return _models(IngestionJob.objects.filter(document_id__in=document_ids))


def _models(jobs: JobQuerySet[IngestionJob]) -> set[str]:
    models = jobs.order_by().values_list("versions__model", flat=True).distinct()
    return set(filter(None, models))
