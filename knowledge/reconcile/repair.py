"""Repairing the findings of `reconcile`, in batches; a batch that fails is reported, and does not stop the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from core.actors import Actor
from core.batching import batched
from core.isolation.scope import tenant_scope
from core.storage import remove
from engines.vectors import Filter, VectorStore, VectorStoreError
from knowledge.models import Document, DocumentStatus
from knowledge.reconcile.findings import Finding, FindingKind, Report, documents_of
from knowledge.services.changing import reindex_documents
from knowledge.services.tags import index_tags

BATCH_SIZE = 500
# A point with a wrong payload is deleted, too: it may have the id of another document or a later generation, and would then
# not be removed after its document was reindexed.
DELETED_KINDS = {
    FindingKind.ORPHAN_POINT,
    FindingKind.STALE_GENERATION,
    FindingKind.STALE_MODEL,
    FindingKind.WRONG_TENANT,
    FindingKind.WRONG_PAYLOAD,
}
REINDEXED_KINDS = {FindingKind.MISSING_POINT, FindingKind.WRONG_PAYLOAD, FindingKind.STUCK_DOCUMENT}


def repair_findings(actor: Actor, store: VectorStore, report: Report) -> None:
    """Enter the number of repaired findings, and the problems, in the report."""
    repairer = _Repairer(actor, store)
    failed = {finding for finding in report.findings if finding.kind is FindingKind.MISSING_FILE}
    for kinds, repair, size in (
        (DELETED_KINDS, repairer.delete_points, BATCH_SIZE),
        ({FindingKind.ORPHAN_FILE}, repairer.remove_files, 1),
        ({FindingKind.WRONG_TAGS}, repairer.index_tags, BATCH_SIZE),
        (REINDEXED_KINDS, repairer.reindex, BATCH_SIZE),
        ({FindingKind.MISSING_FILE}, repairer.mark_missing, BATCH_SIZE),
    ):
        findings = [finding for finding in report.findings if finding.kind in kinds]
        for batch in batched(sorted(findings, key=lambda one: str(one.document_id)), size):
            try:
                repair(batch)
            except (VectorStoreError, OSError) as error:
                failed.update(batch)
                report.problems.append(f"{batch[0].subject} and {len(batch) - 1} more: {error}")
    report.repaired = len(report.findings) - len(failed)


@dataclass(frozen=True, slots=True)
class _Repairer:
    actor: Actor
    store: VectorStore

    def delete_points(self, findings: Sequence[Finding]) -> None:
        for collection in {finding.collection for finding in findings}:
            ids = tuple(UUID(one.subject) for one in findings if one.collection == collection)
            self.store.delete(self.actor.tenant_id, collection, Filter(point_ids=ids))

    def remove_files(self, findings: Sequence[Finding]) -> None:
        remove(finding.subject for finding in findings)

    def index_tags(self, findings: Sequence[Finding]) -> None:
        index_tags(self.actor.tenant_id, Q(pk__in=[finding.subject for finding in findings]))

    def reindex(self, findings: Sequence[Finding]) -> None:
        reindex_documents(actor=self.actor, document_ids=documents_of(findings))

    def mark_missing(self, findings: Sequence[Finding]) -> None:
        """A missing file can only be uploaded again. Until then its document is in error, so that users see it, and the same
        bytes do not count as unchanged."""
        with tenant_scope(self.actor.tenant_id):
            documents = Document.objects.filter(pk__in=documents_of(findings))
            unmarked = documents.exclude(processed_status=DocumentStatus.ERROR)
            ids = list(unmarked.values_list("pk", flat=True))
        reindex_documents(actor=self.actor, document_ids=ids)
