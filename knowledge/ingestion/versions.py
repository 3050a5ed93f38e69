"""Which models a document's, or a tenant's, vectors were ever made with: read off the jobs, which remember."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from core.isolation.scope import tenant_scope
from knowledge.models import IngestionJob


def model_of(versions: str) -> str:
    """The model's part of a document's or job's `versions`; "" when it has none."""
    return versions.partition("model=")[2]


def models_of_tenant(tenant_id: UUID) -> set[str]:
    with tenant_scope(tenant_id):
        versions = IngestionJob.objects.exclude(versions="").values_list("versions", flat=True)
        return {model_of(one) for one in versions.order_by().distinct()}


def models_of_documents(document_ids: Sequence[UUID]) -> set[str]:
    """Inside a scope."""
    jobs = IngestionJob.objects.filter(document_id__in=document_ids).exclude(versions="")
    return {model_of(one) for one in jobs.values_list("versions", flat=True).order_by().distinct()}
