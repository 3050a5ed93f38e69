"""Passages: what the points that the vector store ranked are, as PostgreSQL has it inside the tenant's scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from core.isolation.scope import current_tenant_id
from engines.vectors import Hit

# The SQL is spelled out because Django would take longer to build it than PostgreSQL to answer it. What belongs to
# a chunk is looked up by subqueries, for one chunk at a time: PostgreSQL cannot know how much a tenant has, and would, of a
# join, rather look through all of its documents or tags. There is no document when the chunk is of another generation or
# something above it is deleted.
PASSAGES = """
SELECT c.id, c.document_id, c.page, c.heading_path, c.start, c."end", c.text,
    (
        SELECT json_build_object('reference_id', d.reference_id, 'filename', d.filename)
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
    """One hit. `start` and `end` are character offsets into the document's text; `heading` has the titles above, the
    highest first; `scores` those of the components that found it."""

    chunk_id: UUID
    document_id: UUID
    reference_id: UUID
    filename: str
    page: int | None
    heading: tuple[str, ...]
    start: int
    end: int
    text: str
    score: float
    scores: dict[str, float]
    tags: tuple[ChunkTag, ...]


def hydrate(hits: Sequence[Hit], limit: int) -> list[FoundChunk]:
    """The first hits that the database knows, in their order; those to spare are looked up when some are missing."""
    found = _known(hits[:limit])
    if len(found) < limit < len(hits):
        found += _known(hits[limit:])
    return found[:limit]


def _known(hits: Sequence[Hit]) -> list[FoundChunk]:
    with connection.cursor() as cursor:
        cursor.execute(PASSAGES, {"tenant": current_tenant_id(), "ids": [hit.point_id for hit in hits]})
        known = {row[0]: row for row in cursor.fetchall() if row[-2]}
    return [_passage(known[hit.point_id], hit) for hit in hits if hit.point_id in known]


def _passage(row: tuple[Any, ...], hit: Hit) -> FoundChunk:
    chunk_id, document_id, page, heading, start, end, text, document, tags = row
    return FoundChunk(
        chunk_id=chunk_id,
        document_id=document_id,
        reference_id=UUID(document["reference_id"]),
        filename=document["filename"],
        page=page,
        heading=tuple(heading),
        start=start,
        end=end,
        text=text,
        score=hit.score,
        scores=hit.scores,
        tags=tuple(ChunkTag(**tag) for tag in tags),
    )
