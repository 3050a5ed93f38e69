"""What ingestion counts: the chunks that documents have, and the tokens that are embedded for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from core.isolation.scope import tenant_scope
from core.quota_kinds import QuotaKind
from core.quotas import charge, count
from knowledge.ingestion.attempt import Attempt
from knowledge.models import Chunk, IngestionJob
from knowledge.pipeline.values import Tagged


def charge_tokens(attempt: Attempt, jobs: Sequence[IngestionJob], tokens: Mapping[UUID, int]) -> None:
    """Charge what will be embedded, by document, whatever becomes of the document then. Raises QuotaExceededError."""
    embedded = [job for job in jobs if tokens.get(job.document_id)]
    if not embedded:
        return
    with tenant_scope(attempt.tenant_id):
        for workspace_id, own in _by_workspace(embedded).items():
            amounts = {QuotaKind.EMBEDDING: sum(tokens[job.document_id] for job in own)}
            charge(actor=attempt.actor, amounts=amounts, workspace_id=workspace_id)


def replace_chunks(attempt: Attempt, jobs: Sequence[IngestionJob], products: Sequence[Tagged]) -> None:
    """Inside a scope: delete the chunks of earlier generations, and charge what the new ones add. Raises
    QuotaExceededError."""
    new = {product.chunked.source.document_id: len(product.chunked.chunks) for product in products}
    for workspace_id, own in _by_workspace(jobs).items():
        added = sum(new[job.document_id] for job in own) - _delete_chunks(own)
        charge(actor=attempt.actor, amounts={QuotaKind.CHUNKS: added}, workspace_id=workspace_id)


def purge_chunks(attempt: Attempt, jobs: Sequence[IngestionJob]) -> None:
    """Inside a scope: delete the chunks of deleted documents, and give them back."""
    for workspace_id, own in _by_workspace(jobs).items():
        amounts = {QuotaKind.CHUNKS: -_delete_chunks(own)}
        count(actor=attempt.actor, amounts=amounts, workspace_id=workspace_id)


def _delete_chunks(jobs: Sequence[IngestionJob]) -> int:
    rows = Chunk.objects.filter(document__in=[job.document_id for job in jobs])
    return int(rows.delete_rows())


def _by_workspace(jobs: Sequence[IngestionJob]) -> dict[UUID, list[IngestionJob]]:
    groups: defaultdict[UUID, list[IngestionJob]] = defaultdict(list)
    for job in jobs:
        groups[job.document.reference.workspace_id].append(job)
    return groups
