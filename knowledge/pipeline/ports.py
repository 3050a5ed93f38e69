"""The three ports that the pipeline works with."""

from __future__ import annotations

from dataclasses import dataclass

from engines.embedding import Embedder, get_embedder
from engines.parsing import Parser, get_parser
from engines.vectors import VectorStore, get_vector_store
from knowledge.pipeline import chunking, tagging


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    parser: Parser
    embedder: Embedder
    store: VectorStore

    @property
    def collection(self) -> str:
        return collection_name(self.embedder.model)

    @property
    def versions(self) -> str:
        """Whatever changes when the same bytes would give other passages, tags or vectors."""
        return (
            f"parser={self.parser.version} chunker={chunking.VERSION} "
            f"tagger={tagging.VERSION} model={self.embedder.model}"
        )


def get_ports() -> Ports:
    return Ports(parser=get_parser(), embedder=get_embedder(), store=get_vector_store())


def collection_name(model: str) -> str:
    """Vectors of different models are never compared: each model has a collection of its own."""
    safe = "".join(c if c.isalnum() or c in "._-" else "-" for c in model.lower())
    return f"oyl-{safe}"[:100]
