"""The cost of SQL statements, in tenants of any size."""

from __future__ import annotations

from uuid import uuid4

from django.db import connection

from knowledge.models import Chunk, Document, Tag, TagLink, TagSource
from tests.knowledge.libraries import Library


def add_rows(library: Library, count: int) -> list[Chunk]:
    """Insert documents of one chunk and one tag each, without the pipeline."""
    reference, fields = library.reference, {"size_bytes": 1, "generation": 1}
    names = [uuid4().hex for _ in range(count)]
    documents = Document.objects.bulk_create(
        Document(reference=reference, external_id=name, filename="a.md", **fields) for name in names
    )
    chunks = Chunk.objects.bulk_create(
        Chunk(document=document, generation=1, position=0, text="Text", start=0, end=4, token_count=1)
        for document in documents
    )
    tags = Tag.objects.bulk_create(Tag(reference=reference, tag=name) for name in names)
    pairs = zip(tags, chunks, strict=True)
    TagLink.objects.bulk_create(
        TagLink(tag=tag, chunk=chunk, source=TagSource.MANUAL) for tag, chunk in pairs
    )
    return chunks


def buffers(sql: str) -> int:
    """The number of blocks that the statement reads."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}")
        plan = cursor.fetchone()[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
