"""Any OpenAI-compatible `/v1/embeddings`: TEI, vLLM, Ollama, OpenAI and others."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cached_property
from uuid import UUID

import numpy as np

from core.batching import batched
from core.errors import ConfigurationError
from engines.embedding import EmbeddingError, EndpointConfig, TextRole, Vectors, tokens
from engines.model_endpoint import ModelEndpoint

TEXTS_PER_REQUEST = 64
# Sent in place of an empty text, which many endpoints refuse.
PLACEHOLDER = "."


class OpenAICompatibleEmbedder:
    """The endpoint's tokenizer is unknown, so the one of all-MiniLM-L6-v2 counts instead: texts stay as short as that
    model needs them, which any other reads whole."""

    max_tokens = tokens.MAX_TOKENS

    def __init__(self, config: EndpointConfig) -> None:
        if not config.name:
            raise ConfigurationError("Set EMBEDDING_MODEL to the model that EMBEDDING_URL is to use.")
        if not config.url.startswith(("http://", "https://")):
            raise ConfigurationError("EMBEDDING_URL must begin with http:// or https://.")
        self.model, self.languages = config.model, config.languages
        self._name, self._dimensions = config.name, config.dimensions
        self._prefixes = {
            TextRole.PASSAGE: config.passage_prefix,
            TextRole.QUESTION: config.question_prefix,
        }
        self._endpoint = ModelEndpoint(
            f"{config.url.rstrip('/').removesuffix('/v1')}/v1/embeddings",
            config.api_key,
            seconds=60,
            error=EmbeddingError,
            unavailable="embedding_unavailable",
            refused="embedding_refused",
        )

    @cached_property
    def dimensions(self) -> int:
        """As configured, or else as in the endpoint's first response."""
        return int(self._dimensions or self._request([PLACEHOLDER]).shape[1])

    def embed(self, tenant_id: UUID, texts: Sequence[str], role: TextRole) -> Vectors:
        prefix = self._prefixes[role]
        batches = [np.empty((0, self.dimensions), np.float32)]
        for batch in batched(texts, TEXTS_PER_REQUEST):
            vectors = self._request(
                [prefix + (_truncate(text) if text.strip() else PLACEHOLDER) for text in batch]
            )
            if vectors.shape[1] != self.dimensions:
                detail = (
                    f"{self.model} answered with {vectors.shape[1]} dimensions instead of {self.dimensions}. "
                    "Correct EMBEDDING_DIMENSIONS, or EMBEDDING_MODEL if the endpoint's model was exchanged."
                )
                raise EmbeddingError("embedding_dimensions", detail)
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
            if not (np.isfinite(lengths).all() and lengths.all()):
                raise self._endpoint.refused(f"{self.model} answered with a vector that has no direction.")
            batches.append(vectors / lengths)
        return np.concatenate(batches)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return tokens.count_tokens(texts)

    def token_starts(self, text: str) -> list[int]:
        return tokens.token_starts(text)

    def _request(self, texts: list[str]) -> Vectors:
        """Return the endpoint's vectors as they are. They are requested in Base64, a quarter of the size; endpoints that do
        not support it respond with numbers."""
        answer = self._endpoint.post({"model": self._name, "input": texts, "encoding_format": "base64"})
        try:
            items = sorted(answer["data"], key=lambda item: item["index"])
            embeddings = [item["embedding"] for item in items]
            rows = [
                np.frombuffer(base64.b64decode(embedding, validate=True), "<f4")
                if isinstance(embedding, str)
                else np.array(embedding, np.float32)
                for embedding in embeddings
            ]
            vectors = np.array(rows, np.float32)
        except (ValueError, KeyError, TypeError) as error:
            detail = "EMBEDDING_URL does not answer as an OpenAI-compatible endpoint."
            raise self._endpoint.refused(detail) from error
        if vectors.ndim != 2 or len(vectors) != len(texts):
            detail = f"EMBEDDING_URL answered with {len(vectors)} vectors for {len(texts)} texts."
            raise self._endpoint.refused(detail)
        return vectors


def _truncate(text: str) -> str:
    """Return the first MAX_TOKENS tokens."""
    starts = tokens.token_starts(text) if len(text) > tokens.MAX_TOKENS else []
    return text[: starts[tokens.MAX_TOKENS]] if len(starts) > tokens.MAX_TOKENS else text
