"""The reranker port: a question and passages in, a score of each passage out."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import UUID

from core.errors import EngineError
from engines.singleton import Singleton


class RerankingError(EngineError):
    """The passages could not be scored."""


def probability(logit: float) -> float:
    """The probability that a model without a last layer of its own stands for."""
    return 1 / (1 + math.exp(-logit)) if logit > 0 else math.exp(logit) / (1 + math.exp(logit))


class Reranker(Protocol):
    """`languages` are those of the questions and passages that it reads (ISO 639-1), None if they are unknown."""

    model: str
    languages: frozenset[str] | None

    def score(self, tenant_id: UUID, question: str, passages: Sequence[str]) -> list[float]:
        """Return how well each passage answers the question, from 0 to 1, in their order. Any text is accepted, a too
        long one is truncated. Thread-safe. Raises RerankingError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossEncoderConfig:
    """The built-in model; its graph is kept in `folder`."""

    threads: int
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankEndpointConfig:
    """A model behind a `/rerank` of TEI (where `model` is ""), Jina or Cohere."""

    url: str
    model: str = ""
    api_key: str = field(default="", repr=False)
    languages: frozenset[str] | None = None


RerankerConfig = CrossEncoderConfig | RerankEndpointConfig


@Singleton
def get_reranker(config: RerankerConfig) -> Reranker:
    """Return the process's reranker for this configuration. Raises ConfigurationError."""
    if isinstance(config, RerankEndpointConfig):
        from engines.reranking.endpoint import RerankEndpoint

        return RerankEndpoint(config)
    from engines.reranking.cross_encoder import CrossEncoder

    return CrossEncoder(config)


# A reranker's threads do not survive a fork; the child starts its own.
os.register_at_fork(after_in_child=get_reranker.cache_clear)
