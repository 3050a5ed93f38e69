"""all-MiniLM-L6-v2 on ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import numpy as np

from core.errors import ConfigurationError
from engines.embedding import MiniLMConfig, TextRole, Vectors, tokens
from engines.local_models.sessions import SessionPool

PRECISIONS = ("int8", "fp32")
GRAPH_VERSION = 2


class MiniLMEmbedder:
    dimensions = tokens.DIMENSIONS
    max_tokens = tokens.MAX_TOKENS
    languages: frozenset[str] | None = frozenset({"en"})

    def __init__(self, config: MiniLMConfig) -> None:
        if config.precision not in PRECISIONS:
            raise ConfigurationError(f"EMBEDDING_PRECISION must be one of: {', '.join(PRECISIONS)}.")
        self.model = config.model
        self._tokenizer = tokens.load_tokenizer(max_tokens=tokens.MAX_TOKENS)
        folder = config.folder / f"{config.model}.{GRAPH_VERSION}"
        builder = ("engines.embedding.minilm_graph", config.precision)
        self._sessions = SessionPool(folder, *builder, threads=config.threads)

    def embed(self, tenant_id: UUID, texts: Sequence[str], role: TextRole) -> Vectors:
        """The model has no roles."""
        encodings = self._tokenizer.encode_batch_fast(list(texts))
        vectors = self._sessions.run({"ids": np.array([encoding.ids], np.int32)} for encoding in encodings)
        return np.concatenate(vectors) if vectors else np.empty((0, self.dimensions), np.float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return tokens.count_tokens(texts)

    def token_starts(self, text: str) -> list[int]:
        return tokens.token_starts(text)
