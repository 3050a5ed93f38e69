"""The embedder port: texts in, unit vectors out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from core.errors import PortError
from engines.singleton import Singleton

Vectors = NDArray[np.float32]


class EmbeddingError(PortError):
    """The texts could not be embedded."""


class Embedder(Protocol):
    """`model` names weights and precision: vectors of different names are never compared, and it names the
    collection they are stored in. `max_tokens` is the longest text, special tokens not counted, that the
    model reads whole."""

    model: str
    max_tokens: int

    def __hash__(self) -> int: ...

    @property
    def dimensions(self) -> int:
        """Of every vector. Raises EmbeddingError where an endpoint must be asked."""
        ...

    def embed(self, tenant_id: UUID, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimensions), float32, each row of length 1, in the order given. Any text will
        do: an empty one has a vector, a too long one is cut. Safe to call from several threads at once; none
        waits long for another's texts. Raises EmbeddingError."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has, special ones left out, never cut."""
        ...

    def token_starts(self, text: str) -> list[int]:
        """The characters at which they start."""
        ...


@Singleton
def get_embedder() -> Embedder:
    from django.conf import settings

    if settings.EMBEDDING_URL:
        from engines.embedding.openai_compatible import OpenAICompatibleEmbedder

        return OpenAICompatibleEmbedder()
    from engines.embedding.minilm import MiniLMEmbedder

    return MiniLMEmbedder()


# An embedder's threads do not survive a fork; the child makes its own.
os.register_at_fork(after_in_child=get_embedder.cache_clear)
