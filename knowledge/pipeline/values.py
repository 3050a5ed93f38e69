"""The values that the stages pass on: frozen, and independent of the ORM."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from core.names import without_forbidden
from engines.embedding import Vectors
from engines.parsing import ParsedDocument
from knowledge.pipeline.chunking import ChunkedText

# The tags of one reference.
MAX_VOCABULARY = 5000


def tag_id(reference_id: UUID, tag: str) -> UUID:
    """Derived from the name as it is stored, in whichever case, so that two documents with the same new tag get the same
    id: a tag has one spelling."""
    return uuid5(reference_id, f"tag:{without_forbidden(tag).lower()}")


def chunk_id(document_id: UUID, generation: int, position: int) -> UUID:
    """Also the id of the chunk's point, so that a repeated upsert overwrites it."""
    return uuid5(document_id, f"{generation}:{position}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkSettings:
    """In tokens of the embedder. Without `max_tokens`, passages have the usual length."""

    max_tokens: int | None = None
    overlap: int = 0

    def __str__(self) -> str:
        return f"{self.max_tokens or 'max'}/{self.overlap}"


class TagSource(StrEnum):
    """Why a chunk has a tag, in order of precedence."""

    MANUAL = "manual"
    WORKFLOW = "workflow"
    IMPORT = "import"
    RULE = "rule"
    INHERITED = "inherited"
    AI = "ai"

    @property
    def lesser(self) -> list[TagSource]:
        """Those of whose tags it takes the place."""
        sources = list(TagSource)
        return sources[sources.index(self) + 1 :]

    @property
    def label(self) -> str:
        return "AI" if self is TagSource.AI else self.value.capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class TagAssignment:
    """`confidence` is 1 except for `ai`, where it is the cosine similarity of chunk and tag."""

    tag_id: UUID
    tag: str
    source: TagSource
    confidence: float = 1.0
    actor_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A keyword or a regular expression that gives passages its tag."""

    id: UUID
    kind: str
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VocabularyTag:
    """A tag of the reference. Only tags with a vector may become `ai` tags."""

    id: UUID
    tag: str
    inherited: bool = False
    rules: tuple[Rule, ...] = ()
    vector: Vectors | None = None

    def assign(self, source: TagSource, confidence: float = 1.0) -> TagAssignment:
        return TagAssignment(tag_id=self.id, tag=self.tag, source=source, confidence=confidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file to ingest. By the digest of a chunk's content, `reusable_points` has the id of a point that already has its
    vector, and `manual_tags` the tags that users and workflows assigned to it."""

    document_id: UUID
    reference_id: UUID
    generation: int
    filename: str
    path: Path
    chunk_settings: ChunkSettings = ChunkSettings()
    metadata: dict[str, Any] = field(default_factory=dict)
    vocabulary: tuple[VocabularyTag, ...] = ()
    document_tags: tuple[TagAssignment, ...] = ()
    reusable_points: dict[str, UUID] = field(default_factory=dict)
    manual_tags: dict[str, tuple[TagAssignment, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    source: Source
    document: ParsedDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunked:
    """`ids`, `contents`, `digests` and `languages` have an entry for each of the `chunks`: `contents` are the texts that are
    embedded and indexed, `digests` their SHA-256."""

    source: Source
    document: ParsedDocument
    text: str
    chunks: tuple[ChunkedText, ...]
    ids: tuple[UUID, ...]
    contents: tuple[str, ...]
    digests: tuple[str, ...]
    languages: tuple[str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """`vectors` has a row for each chunk."""

    chunked: Chunked
    vectors: Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged:
    """`tags` has an entry for each chunk. `stopped_rules` are to be switched off: {rule's id: why}."""

    chunked: Chunked
    vectors: Vectors
    tags: tuple[tuple[TagAssignment, ...], ...]
    stopped_rules: dict[UUID, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why one file of the batch could not be read."""

    source: Source
    code: str
    detail: str
