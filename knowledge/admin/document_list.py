"""The list of documents as a file."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpResponse

from core.admin.exports import MAX_ROWS, csv_response
from knowledge.admin.document_columns import kind
from knowledge.models import Document

HEADER = ("File", "Path", "Reference", "Status", "Error", "Type", "Bytes", "Tags", "Added", "Changed", "Id")


def exported(documents: models.QuerySet[Any]) -> HttpResponse:
    """As CSV, at most `MAX_ROWS` of them."""
    rows = documents.select_related("reference").prefetch_related("document_tags__tag")[:MAX_ROWS]
    return csv_response("documents.csv", HEADER, map(_row, rows))


def _row(document: Document) -> tuple[object, ...]:
    tags = sorted(str(link.tag.tag) for link in document.document_tags.all())
    return (
        document.filename,
        document.external_id,
        str(document.reference),
        document.get_processed_status_display(),
        document.error_detail,
        kind(document),
        document.size_bytes,
        ", ".join(tags),
        f"{document.created_at:%Y-%m-%d %H:%M:%S}",
        f"{document.updated_at:%Y-%m-%d %H:%M:%S}",
        str(document.pk),
    )
