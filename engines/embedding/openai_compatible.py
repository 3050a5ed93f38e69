"""Any OpenAI-compatible `/v1/embeddings`: TEI, vLLM, Ollama, OpenAI and others."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx  # noqa: TID251 (the address is the operator's)
import numpy as np

from core.batching import batched
from core.errors import ConfigurationError
from engines.embedding import EmbeddingError, EndpointConfig, TextRole, Vectors, tokens

TEXTS_PER_REQUEST = 64
TIMEOUT = httpx.Timeout(60, connect=5)
RETRYABLE_STATUSES = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
MAX_MESSAGE_CHARACTERS = 300
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
        self._name, self._key, self._dimensions = config.name, config.api_key, config.dimensions
        self._prefixes = {
            TextRole.PASSAGE: config.passage_prefix,
            TextRole.QUESTION: config.question_prefix,
        }
        self._url = f"{config.url.rstrip('/').removesuffix('/v1')}/v1/embeddings"
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        self._client = httpx.Client(timeout=TIMEOUT, headers=headers)

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
                raise _refused(f"{self.model} answered with a vector that has no direction.")
            batches.append(vectors / lengths)
        return np.concatenate(batches)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return tokens.count_tokens(texts)

    def token_starts(self, text: str) -> list[int]:
        return tokens.token_starts(text)

    def _request(self, texts: list[str]) -> Vectors:
        """Return the endpoint's vectors as they are. They are requested in Base64, a quarter of the size; endpoints that do
        not support it respond with numbers."""
        body = {"model": self._name, "input": texts, "encoding_format": "base64"}
        try:
            response = self._client.post(self._url, json=body)
        except httpx.HTTPError as error:
            detail = f"{self._url} did not answer: {type(error).__name__}."
            raise EmbeddingError("embedding_unavailable", detail) from error
        if not response.is_success:
            retryable = response.status_code in RETRYABLE_STATUSES or response.is_server_error
            code = "embedding_unavailable" if retryable else "embedding_refused"
            raise EmbeddingError(code, self._error_detail(response))
        try:
            items = sorted(response.json()["data"], key=lambda item: item["index"])
            embeddings = [item["embedding"] for item in items]
            rows = [
                np.frombuffer(base64.b64decode(embedding, validate=True), "<f4")
                if isinstance(embedding, str)
                else np.array(embedding, np.float32)
                for embedding in embeddings
            ]
            vectors = np.array(rows, np.float32)
        except (ValueError, KeyError, TypeError) as error:
            raise _refused("EMBEDDING_URL does not answer as an OpenAI-compatible endpoint.") from error
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise _refused(f"EMBEDDING_URL answered with {len(vectors)} vectors for {len(texts)} texts.")
        return vectors

    def _error_detail(self, response: httpx.Response) -> str:
        """Quote the endpoint's message, which may have the key in it. It is `{"error": {"message": …}}` from OpenAI,
        `{"error": …}` from others, and otherwise the whole body."""
        message: Any = response.text
        with suppress(ValueError, KeyError, TypeError):
            message = response.json()["error"]
        if isinstance(message, dict):
            message = message.get("message", message)
        words = " ".join(str(message).split())
        if self._key:
            words = words.replace(self._key, "***")
        return f"{self._url} answered {response.status_code}: {words[:MAX_MESSAGE_CHARACTERS]}"


def _truncate(text: str) -> str:
    """Return the first MAX_TOKENS tokens."""
    starts = tokens.token_starts(text) if len(text) > tokens.MAX_TOKENS else []
    return text[: starts[tokens.MAX_TOKENS]] if len(starts) > tokens.MAX_TOKENS else text


def _refused(detail: str) -> EmbeddingError:
    return EmbeddingError("embedding_refused", detail)
