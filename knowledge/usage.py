"""Usage figures of references, documents, ingestion and files."""

from __future__ import annotations

from django.db.models import Count, F, Q, Sum

from core.usage import Figure, FigureSet, Period
from jobs.states import JobState
from knowledge.models import Document, DocumentStatus, IngestionJob, JobKind, Reference, StoredFile

SEARCHABLE = Q(document__deleted_at=None, document__generation=F("generation"))


def figures(period: Period) -> list[FigureSet]:
    by_status = [
        Figure(f"documents.{status}", Count("pk", filter=Q(processed_status=status)))
        for status in DocumentStatus.values
    ]
    document_bytes = Figure("document_bytes", Sum("size_bytes", default=0), "Of the documents' originals.")
    return [
        FigureSet(
            rows=Reference.objects.all(), figures=(Figure("references", Count("pk")),), workspace="workspace"
        ),
        FigureSet(
            rows=Document.objects.all(),
            figures=(*by_status, document_bytes),
            workspace="reference__workspace",
        ),
        FigureSet(
            rows=IngestionJob.objects.filter(kind=JobKind.INGEST),
            figures=_ingestion_figures(period),
            workspace="document__reference__workspace",
        ),
        FigureSet(
            rows=StoredFile.objects.all(),
            figures=(
                Figure("files", Count("pk"), "Uploaded by `/v1/files`; documents made of them have copies."),
                Figure("file_bytes", Sum("size_bytes", default=0)),
            ),
        ),
    ]


def _ingestion_figures(period: Period) -> tuple[Figure, ...]:
    """Searchable chunks are summed over the jobs that made them, because counting the rows takes longer."""
    in_period = Q(finished_at__range=period.moments)
    done = in_period & Q(state=JobState.DONE)
    return (
        Figure("chunks", Sum("chunks_total", filter=SEARCHABLE, default=0), "Passages that can be found."),
        Figure(
            "ingested",
            Count("pk", filter=done),
            "In the period: how often a document was ingested, first or anew.",
        ),
        Figure(
            "ingested_chunks",
            Sum("chunks_total", filter=done, default=0),
            "In the period: passages made by that.",
        ),
        Figure(
            "failed",
            Count("pk", filter=in_period & Q(state=JobState.ERROR)),
            "In the period: how often that ended in error, and was not tried again since.",
        ),
    )
