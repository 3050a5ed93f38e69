"""Loading the chunks of the ranked points from PostgreSQL, inside the tenant's scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection

from core.batching import batched
from core.isolation.scope import current_tenant_id
from core.json_values import json_text
from engines.parsing import PageKind
from engines.vectors import Hit

# No further chunks are loaded after so many characters of texts, so that no search fills the memory of the web process.
# 1,000 chunks of the built-in model's usual size have fewer.
MAX_LENGTH, SLICE_HITS = 5_000_000, 200
# The SQL is written out because Django would take longer to build it than PostgreSQL to execute it. A chunk's document and
# tags are selected by subqueries, because PostgreSQL does not know how many rows a tenant has, and for a join might scan all
# of its documents or tags. The document is NULL when it, its reference or its workspace is deleted, or when it has another
# generation than the chunk.
CHUNKS_SQL = """
SELECT c.id, c.document_id, c.page, c.last_page, c.heading_path, c.start, c."end", c.text,
    (
        SELECT json_build_object(
            'reference_id', d.reference_id, 'filename', d.filename,
            'external_id', d.external_id, 'mime_type', d.mime_type, 'metadata', d.metadata_json,
            'title', d.file_metadata_json -> 'title', 'page_kind', d.file_metadata_json -> 'page_kind'
        )
        FROM documents d JOIN "references" r ON r.id = d.reference_id JOIN workspaces w ON w.id = r.workspace_id
        WHERE d.tenant_id = %(tenant)s AND d.id = c.document_id AND d.generation = c.generation
            AND d.deleted_at IS NULL AND r.deleted_at IS NULL AND w.deleted_at IS NULL
    ),
    ARRAY(
        SELECT json_build_object('tag', tag, 'source', source, 'confidence', confidence)
        FROM (
            SELECT (SELECT t.tag FROM tags t WHERE t.tenant_id = %(tenant)s AND t.id = l.tag_id), l.source, l.confidence
            FROM tag_links l WHERE l.tenant_id = %(tenant)s AND l.chunk_id = c.id
        ) AS of_chunk ORDER BY confidence DESC, tag
    )
FROM chunks c WHERE c.tenant_id = %(tenant)s AND c.id = ANY(%(ids)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkTag:
    tag: str
    source: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundChunk:
    """A hit. `page` and `last_page` are those of its first and last word, and `page_kind` says what they count. `start`
    and `end` are character offsets into the document's text; `heading` has the titles above it, the highest first;
    `score` is the relevance, from 0 to 1, and `scores` has that of each component that found it. `title` is the
    document's own, `metadata` was given for it, and `similar` has the ids of near-identical chunks that were folded
    into this one."""

    chunk_id: UUID
    document_id: UUID
    reference_id: UUID
    filename: str
    title: str
    page: int | None
    last_page: int | None
    page_kind: str
    heading: tuple[str, ...]
    start: int
    end: int
    text: str
    score: float
    scores: dict[str, float]
    tags: tuple[ChunkTag, ...]
    similar: tuple[UUID, ...] = ()
    external_id: str = ""
    mime_type: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def pages(self) -> str:
        """In words: "page 3", "pages 3–4", "slide 2"; "" without pages."""
        if self.page is None:
            return ""
        return (
            f"{self.page_kind} {self.page}"
            if self.page == self.last_page
            else f"{self.page_kind}s {self.page}–{self.last_page}"
        )


def hydrate(hits: Sequence[Hit], limit: int) -> list[FoundChunk]:
    """Return the first `limit` hits that exist in the database, in their order; fewer when their texts are long. Those above
    the limit are only loaded when some are missing, or as relevant as the last one: among equals, names and positions
    decide, which stay the same when documents are ingested again."""
    chunks: list[FoundChunk] = []
    length = 0
    for part in batched(hits, min(limit, SLICE_HITS)):
        if (len(chunks) >= limit and part[0].score < chunks[-1].score) or length > MAX_LENGTH:
            break
        loaded = _load(part)
        length += sum(len(chunk.text) + len(json_text(chunk.metadata)) for chunk in loaded)
        chunks += loaded
    chunks.sort(key=lambda chunk: (-chunk.score, chunk.filename, chunk.start, chunk.document_id))
    return chunks[:limit]


def _load(hits: Sequence[Hit]) -> list[FoundChunk]:
    with connection.cursor() as cursor:
        ids = [hit.point_id for hit in hits]
        cursor.execute(CHUNKS_SQL, {"tenant": current_tenant_id(), "ids": ids})
        rows = {row[0]: row[1:] for row in cursor.fetchall() if row[-2]}
    chunks = []
    for hit in hits:
        if hit.point_id in rows:
            document_id, page, last_page, heading, start, end, text, document, tags = rows[hit.point_id]
            chunk = FoundChunk(
                chunk_id=hit.point_id,
                document_id=document_id,
                reference_id=UUID(document["reference_id"]),
                filename=document["filename"],
                title=str(document["title"] or ""),
                page=page,
                last_page=last_page,
                page_kind=document["page_kind"] or PageKind.PAGE,
                heading=tuple(heading),
                start=start,
                end=end,
                text=text,
                score=hit.score,
                scores=hit.scores,
                tags=tuple(ChunkTag(**tag) for tag in tags),
                external_id=document["external_id"],
                mime_type=document["mime_type"],
                metadata=document["metadata"],
            )
            chunks.append(chunk)
    return chunks
