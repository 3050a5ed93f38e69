"""An embedder that costs nothing, so that only the pipeline is measured; tokens are counted with the real tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID
from zlib import crc32

import numpy as np

from engines.embedding import MiniLMConfig, TextRole, Vectors, get_embedder, minilm, tokens
from engines.embedding.built_in import DIMENSIONS

VECTOR_COUNT = 10_007


class TrivialEmbedder:
    """Each text has one of some thousand random vectors, always the same one."""

    model = "trivial"
    dimensions = DIMENSIONS
    max_tokens = tokens.MAX_TOKENS
    languages = None

    def __init__(self, config: MiniLMConfig) -> None:
        vectors = np.random.default_rng(0).standard_normal((VECTOR_COUNT, self.dimensions), np.float32)
        self._vectors: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def embed(self, tenant_id: UUID, texts: Sequence[str], role: TextRole) -> Vectors:
        chosen: Vectors = self._vectors[[crc32(text.encode()) % VECTOR_COUNT for text in texts]]
        return chosen

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return tokens.count_tokens(texts)

    def token_starts(self, text: str) -> list[int]:
        return tokens.token_starts(text)


def install() -> None:
    """Replace the built-in embedder and its model's name in this process."""
    MiniLMConfig.model = TrivialEmbedder.model  # type: ignore[assignment,method-assign]
    minilm.MiniLMEmbedder = TrivialEmbedder  # type: ignore[assignment,misc]
    get_embedder.cache_clear()


if __name__ == "__main__":  # `python -m benchmarks.trivial …` is `python -m celery …` with it
    from celery.__main__ import main

    install()
    main()
