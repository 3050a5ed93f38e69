"""The steps of a reembedding. Each is repeated as a whole when its worker dies, and decides which one follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from audit.services import record
from core.actors import system_actor
from core.batching import batched
from core.bulk_sql import update_rows
from core.isolation.scope import tenant_scope
from engines.vectors import Filter
from jobs.errors import LeaseLostError
from jobs.handlers import JobHandler
from jobs.progress import JobProgress
from jobs.querysets import JobQuerySet
from jobs.queue import lock_held
from jobs.states import JobState
from knowledge.engine_config import vector_store
from knowledge.models import (
    Document,
    Embedding,
    IngestionJob,
    JobKind,
    Reembedding,
    ReembeddingStage,
    Reference,
)
from knowledge.pipeline.ports import collection_name
from knowledge.queueing import lock_documents, requeue
from knowledge.reembedding.recall import Recall, measure
from knowledge.second_models import (
    KEPT,
    answering_model,
    continue_now,
    documents_lacking,
    has_vectors,
    lock_model,
    other_model,
    queue_documents,
    set_answering_model,
    unfinished_jobs,
)

QUEUED_AT_ONCE, PAGE_SIZE = 5000, 500


@dataclass(frozen=True, slots=True)
class Step:
    """What a worker does with a reembedding that it has claimed."""

    handler: JobHandler[Reembedding]
    reembedding: Reembedding
    progress: JobProgress

    @property
    def tenant_id(self) -> UUID:
        return UUID(str(self.reembedding.tenant_id))

    @property
    def reference_id(self) -> UUID:
        return UUID(str(self.reembedding.reference_id))

    def embed(self) -> None:
        """Queue the documents whose passages have no vector of the new model, and wait for them."""
        with tenant_scope(self.tenant_id):
            lacking = documents_lacking(self.reference_id, self.reembedding.to_model)
            rows = lacking.order_by("pk").values_list("pk", "generation").iterator()
            for page in batched(rows, QUEUED_AT_ONCE):
                self.progress("queue")
                queue_documents(dict(page), self.reembedding.to_model)
        with tenant_scope(self.tenant_id):
            row = self._held()
            if unfinished_jobs(self.reference_id).exists():
                row.wait(None)
            else:
                continue_now(row, stage=ReembeddingStage.CHECK)

    def check(self) -> None:
        """Compare both models, and switch in one transaction, if every passage has a vector of the new one."""
        before, after = self.reembedding.from_model, self.reembedding.to_model
        recall = measure(self.reembedding.reference, before=before, after=after, progress=self.progress)
        with tenant_scope(self.tenant_id):
            lock_model(self.reference_id)
            row = self._held()
            if documents_lacking(self.reference_id, after).exists():
                continue_now(row, stage=ReembeddingStage.EMBED)
            elif recall.is_enough or self.reembedding.is_accepted:
                auto = Reference.with_deleted.filter(pk=self.reference_id, embedding_model=Reference.AUTO)
                columns = {"was_auto": auto.exists(), **_figures(recall)}
                set_answering_model(self.reference_id, after)
                # A model that has no vectors, as after a change of the settings, is none to roll back to.
                is_kept = has_vectors(self.reference_id, before)
                stage = ReembeddingStage.KEEP if is_kept else ReembeddingStage.REMOVE
                continue_now(row, stage=stage, switched_at=Now(), **columns)
                self._record("reference.reembedding_switched", recall)
            else:
                row.wait(None, stage=ReembeddingStage.REFUSED, **_figures(recall))
                self._record("reference.reembedding_refused", recall)

    def keep(self) -> None:
        """Let documents with passages that the new model does not read whole be cut anew, and wait."""
        self._update_versions(cut_anew=True)
        with tenant_scope(self.tenant_id):
            row = self._held()
            assert self.reembedding.switched_at
            left = self.reembedding.switched_at + KEPT - timezone.now()
            if left > timedelta(0):
                row.wait(left)
            else:
                continue_now(row, stage=ReembeddingStage.REMOVE)

    def remove(self) -> None:
        """Remove the vectors of the model that does not answer: the points first, the rows after them."""
        model = other_model(self.reembedding)
        self._update_versions(cut_anew=False)
        with tenant_scope(self.tenant_id):
            jobs = unfinished_jobs(self.reference_id).filter(versions__model=model)
            jobs.filter(state=JobState.QUEUED).locked().finish(JobState.CANCELLED)
        with tenant_scope(self.tenant_id):
            row = self._held()
            if jobs.exists():  # they may still write
                row.wait(None)
                return
        for ids in self._pages():
            of_page = Filter(document_ids=tuple(ids))
            vector_store().delete(self.tenant_id, collection_name(model), of_page)
            _remove_rows(self.tenant_id, ids, model)
        with tenant_scope(self.tenant_id):
            has_switched = self.reembedding.switched_at is not None
            self._held().finish(JobState.DONE if has_switched else JobState.CANCELLED)

    def _held(self) -> JobQuerySet[Reembedding]:
        """Inside a scope: its row, locked."""
        if not lock_held(self.handler, [self.reembedding]):
            raise LeaseLostError
        rows: JobQuerySet[Reembedding] = Reembedding.objects.filter(pk=self.reembedding.pk)
        return rows

    def _update_versions(self, *, cut_anew: bool) -> None:
        """Let the documents say that their vectors are those of the model that answers, so that the same files count as
        unchanged. With `cut_anew`, queue those that have passages which this model does not read whole."""
        model = answering_model(self.reembedding)
        published = Document.objects.filter(reference=self.reference_id, generation__gt=0)
        others = published.exclude(versions__model=model).order_by("pk")
        while True:
            self.progress("versions")
            with tenant_scope(self.tenant_id):
                ids = list(others.values_list("pk", flat=True)[:PAGE_SIZE])
                if not ids:
                    return
                lock_documents(ids)
                versions = Document.objects.filter(pk__in=ids).values_list("pk", "versions")
                update_rows(
                    Document, [{"id": pk, "versions": {**own, "model": model}} for pk, own in versions]
                )
                if cut_anew:
                    requeue(_documents_not_read_whole(ids, model), in_background=True)

    def _pages(self) -> Iterator[list[UUID]]:
        """The ids of the reference's documents."""
        last = UUID(int=0)
        while True:
            self.progress("remove")
            with tenant_scope(self.tenant_id):
                rows = Document.objects.filter(reference=self.reference_id, pk__gt=last).order_by("pk")
                ids = list(rows.values_list("pk", flat=True)[:PAGE_SIZE])
            if not ids:
                return
            yield ids
            last = ids[-1]

    def _record(self, action: str, recall: Recall) -> None:
        reference = self.reembedding.reference
        record(
            actor=system_actor(self.tenant_id, "worker"),
            action=action,
            target=reference,
            workspace_id=reference.workspace_id,
            old={"embedding_model": self.reembedding.from_model},
            new={"embedding_model": self.reembedding.to_model, **_figures(recall)},
        )


def _remove_rows(tenant_id: UUID, ids: Sequence[UUID], model: str) -> None:
    with tenant_scope(tenant_id):
        Embedding.objects.filter(chunk__document__in=ids, model=model).delete_rows()


def _documents_not_read_whole(ids: Sequence[UUID], model: str) -> list[Document]:
    """Those of the documents in whose passages the model has found some that are too long for it."""
    jobs = IngestionJob.objects.filter(kind=JobKind.REEMBED, document__in=ids, versions__model=model)
    cut = jobs.filter(generation=F("document__generation"), versions__cut__gt=0)
    return list(Document.objects.filter(pk__in=cut.values("document")).defer("text"))


def _figures(recall: Recall) -> dict[str, int | None]:
    return {
        "questions": recall.questions,
        "found_before": recall.before,
        "found_after": recall.after,
    }
