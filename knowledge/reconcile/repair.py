"""Mending what `reconcile` found, in batches; one that cannot be mended is named, and does not stop the others."""

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

BATCH = 500
# A point that says something wrong is deleted, too: it may name another document or a later generation, by which it
# would outlast the clean-up after its document was made anew.
SUPERFLUOUS = {
    FindingKind.ORPHAN_POINT,
    FindingKind.STALE_GENERATION,
    FindingKind.STALE_MODEL,
    FindingKind.WRONG_TENANT,
    FindingKind.WRONG_PAYLOAD,
}
UNFIT = {FindingKind.MISSING_POINT, FindingKind.WRONG_PAYLOAD, FindingKind.STUCK_DOCUMENT}


def repair_findings(actor: Actor, store: VectorStore, report: Report) -> None:
    """Notes in the report how many were mended, and what could not be."""
    repairer = _Repairer(actor, store)
    left = {finding for finding in report.findings if finding.kind is FindingKind.MISSING_FILE}
    for kinds, mend, size in (
        (SUPERFLUOUS, repairer.delete_points, BATCH),
        ({FindingKind.ORPHAN_FILE}, repairer.remove_files, 1),
        ({FindingKind.WRONG_TAGS}, repairer.index_tags, BATCH),
        (UNFIT, repairer.requeue, BATCH),
        ({FindingKind.MISSING_FILE}, repairer.mark_missing, BATCH),
    ):
        concerned = [finding for finding in report.findings if finding.kind in kinds]
        for some in batched(sorted(concerned, key=lambda one: str(one.document_id)), size):
            try:
                mend(some)
            except (VectorStoreError, OSError) as error:
                left.update(some)
                report.problems.append(f"{some[0].subject} and {len(some) - 1} more: {error}")
    report.repaired = len(report.findings) - len(left)


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

    def requeue(self, findings: Sequence[Finding]) -> None:
        reindex_documents(actor=self.actor, document_ids=documents_of(findings))

    def mark_missing(self, findings: Sequence[Finding]) -> None:
        """A missing file can only be uploaded again. Until then its document is in error, so that people see it, and
        the same bytes are not taken for unchanged."""
        with tenant_scope(self.actor.tenant_id):
            documents = Document.objects.filter(pk__in=documents_of(findings))
            unsaid = list(
                documents.exclude(processed_status=DocumentStatus.ERROR).values_list("pk", flat=True)
            )
        reindex_documents(actor=self.actor, document_ids=unsaid)
