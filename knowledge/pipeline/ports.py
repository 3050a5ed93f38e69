"""The three ports that the pipeline works with."""

from __future__ import annotations

from dataclasses import dataclass

from engines.embedding import Embedder
from engines.parsing import Parser
from engines.vectors import VectorStore, bm25
from knowledge.pipeline import chunking, tagging
from knowledge.pipeline.values import ChunkSettings

Versions = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    parser: Parser
    embedder: Embedder
    store: VectorStore

    @property
    def collection(self) -> str:
        return collection_name(self.embedder.model)

    def versions_of(self, mime_type: str, chunk_settings: ChunkSettings) -> Versions:
        """Everything that changes when the same bytes of this type would result in other chunks, tags, words or vectors."""
        return versions_of(self.parser, self.embedder.model, mime_type, chunk_settings)


def versions_of(parser: Parser, model: str, mime_type: str, chunk_settings: ChunkSettings) -> Versions:
    """As `Ports.versions_of`, without loading the model."""
    return {
        "reader": parser.version_of(mime_type),
        "chunker": f"{chunking.VERSION} {chunk_settings}",
        "tagger": tagging.VERSION,
        "words": bm25.VERSION,
        "model": model,
    }


def collection_name(model: str) -> str:
    """Each model has a collection of its own, because vectors of different models cannot be compared."""
    safe = "".join(c if c.isalnum() or c in "._-" else "-" for c in model.lower())
    return f"oyl-{safe}"[:100]
