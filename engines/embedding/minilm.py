"""all-MiniLM-L6-v2 on ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from engines.embedding import MiniLMConfig, TextRole, Vectors, tokens
from engines.embedding.built_in import DIMENSIONS, BuiltInModel

GRAPH_VERSION = 2


class MiniLMEmbedder:
    dimensions = DIMENSIONS
    max_tokens = tokens.MAX_TOKENS
    languages: frozenset[str] | None = MiniLMConfig.languages

    def __init__(self, config: MiniLMConfig) -> None:
        self.model = config.model
        self._tokenizer = tokens.load_tokenizer(max_tokens=tokens.MAX_TOKENS)
        self._graph = BuiltInModel(config, builder="engines.embedding.minilm_graph", version=GRAPH_VERSION)

    def embed(self, tenant_id: UUID, texts: Sequence[str], role: TextRole) -> Vectors:
        """The model has no roles."""
        encodings = self._tokenizer.encode_batch_fast(list(texts))
        return self._graph.vectors(encoding.ids for encoding in encodings)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return tokens.count_tokens(texts)

    def token_starts(self, text: str) -> list[int]:
        return tokens.token_starts(text)
