"""What the stages hand to each other: frozen, and free of the ORM."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from engines.embedding import Vectors
from engines.parsing import ParsedDocument
from knowledge.pipeline.chunking import ChunkedText


def tag_id(reference_id: UUID, tag: str) -> UUID:
    """A tag's id follows from its name, so that two documents that bring the same new tag agree on it."""
    return uuid5(reference_id, f"tag:{tag}")


def chunk_id(document_id: UUID, generation: int, position: int) -> UUID:
    """Also the id of the chunk's point: repeating an upsert overwrites."""
    return uuid5(document_id, f"{generation}:{position}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkSettings:
    """In tokens; `max_tokens` is None for as many as the embedder reads."""

    max_tokens: int | None = None
    overlap: int = 0

    def __str__(self) -> str:
        return f"{self.max_tokens or 'max'}/{self.overlap}"


class TagSource(StrEnum):
    """Why a passage has a tag, in order of precedence: of several sources that agree, the first is named."""

    MANUAL = "manual"
    IMPORT = "import"
    RULE = "rule"
    INHERITED = "inherited"
    AI = "ai"

    @property
    def label(self) -> str:
        return "AI" if self is TagSource.AI else self.value.capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class TagAssignment:
    """`confidence` is 1 but for `ai`, where it is the cosine of passage and tag."""

    tag_id: UUID
    tag: str
    source: TagSource
    confidence: float = 1.0
    actor_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VocabularyTag:
    """`rules` are (kind, pattern)."""

    id: UUID
    tag: str
    description: str = ""
    inherited: bool = False
    rules: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file to be made findable. `known` leads from the digest of a content to the point that has its vector
    already; `manual_tags` to the tags that people gave that passage."""

    document_id: UUID
    reference_id: UUID
    generation: int
    filename: str
    path: Path
    chunk_settings: ChunkSettings = ChunkSettings()
    metadata: dict[str, Any] = field(default_factory=dict)
    vocabulary: tuple[VocabularyTag, ...] = ()
    document_tags: tuple[TagAssignment, ...] = ()
    known: dict[str, UUID] = field(default_factory=dict)
    manual_tags: dict[str, tuple[TagAssignment, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    source: Source
    document: ParsedDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunked:
    """`ids`, `contents` and `digests` have one for each of the `chunks`: contents are what is embedded and counted, digests
    their SHA-256."""

    source: Source
    document: ParsedDocument
    text: str
    chunks: tuple[ChunkedText, ...]
    ids: tuple[UUID, ...]
    contents: tuple[str, ...]
    digests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """`vectors` has a row for each chunk."""

    chunked: Chunked
    vectors: Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged:
    """`tags` has an entry for each chunk."""

    chunked: Chunked
    vectors: Vectors
    tags: tuple[tuple[TagAssignment, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """This file, and no other of the batch, could not be read."""

    source: Source
    code: str
    detail: str
