"""A large corpus in seconds: rows, points and files are written directly, with vectors of eight numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from core.isolation.scope import tenant_scope
from engines.vectors import Point
from knowledge.engine_config import vector_store
from knowledge.models import Chunk, Document, DocumentStatus, Reference, Tag, TagLink, TagSource
from knowledge.pipeline.ports import collection_name
from knowledge.pipeline.values import chunk_id
from knowledge.storage.files import DOCUMENT_FILES
from tests.conftest import Person

MODEL = "eight-numbers"
CHUNKS_PER_DOCUMENT = 20
BATCH_DOCUMENTS = 100
TEXT = "Honey bees dance to tell their sisters where the flowers are. " * 8


def grow(person: Person, reference: Reference, chunks: int) -> None:
    """Add documents with their chunks, tags, files and metadata, as the pipeline leaves them."""
    with tenant_scope(person.tenant_id):
        tag, _ = Tag.objects.get_or_create(reference=reference, tag="nature")
    count = chunks // CHUNKS_PER_DOCUMENT
    for start in range(0, count, BATCH_DOCUMENTS):
        size = min(BATCH_DOCUMENTS, count - start)
        documents = [_document(person, reference) for _ in range(size)]
        with tenant_scope(person.tenant_id):
            Document.objects.bulk_create(documents)
            rows = Chunk.objects.bulk_create(_chunks(documents))
            TagLink.objects.bulk_create(
                [TagLink(chunk=chunk, tag=tag, source=TagSource.RULE) for chunk in rows]
            )
        points = list(_points(rows, reference, tag))
        vector_store().upsert(person.tenant_id, collection_name(MODEL), points)


def _document(person: Person, reference: Reference) -> Document:
    pk = uuid4()
    return Document(
        pk=pk,
        tenant_id=person.tenant_id,
        reference=reference,
        external_id=f"{pk}.md",
        filename=f"{pk}.md",
        file_path=default_storage.save(
            f"{DOCUMENT_FILES.folder(person.tenant_id, pk)}/1", ContentFile(b"bees")
        ),
        size_bytes=4,
        sha256="0" * 64,
        processed_status=DocumentStatus.DONE,
        generation=1,
    )


def _chunks(documents: Sequence[Document]) -> Iterator[Chunk]:
    for document in documents:
        for position in range(CHUNKS_PER_DOCUMENT):
            yield Chunk(
                pk=chunk_id(document.pk, 1, position),
                document=document,
                generation=1,
                position=position,
                text=TEXT,
                content_sha256="0" * 64,
                start=0,
                end=len(TEXT),
                token_count=100,
            )


def _points(chunks: Sequence[Chunk], reference: Reference, tag: Tag) -> Iterator[Point]:
    for chunk in chunks:
        yield Point(
            id=chunk.pk,
            document_id=chunk.document_id,
            reference_id=reference.pk,
            generation=1,
            vector=[1.0] + [0.0] * 7,
            text="bees",
            tag_ids=(tag.pk,),
            metadata={"file_title": "Bees", "file_language": "en", "year": 1927},
        )
