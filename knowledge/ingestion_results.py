"""The documents that a caller waited for, and their failures."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from core.isolation.scope import tenant_scope
from knowledge.models import Document, DocumentStatus


def with_members(tenant_id: UUID, document_ids: Sequence[UUID]) -> list[Document]:
    """The documents and what was found inside them, without their text."""
    with tenant_scope(tenant_id):
        rows = Document.objects.defer("text")
        level = documents = list(rows.filter(pk__in=document_ids))
        while level := list(rows.filter(container__in=[document.pk for document in level])):
            documents += level
    return documents


def failures(documents: Sequence[Document]) -> list[dict[str, str]]:
    return [
        {"file": document.external_id, "code": document.error_code, "detail": document.error_detail}
        for document in documents
        if document.processed_status == DocumentStatus.ERROR
    ]
