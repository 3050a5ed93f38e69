"""Any OpenAI-compatible `/v1/embeddings`: TEI, vLLM, Ollama, OpenAI and others."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cached_property
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx  # noqa: TID251 (the address is the operator's)
import numpy as np

from core.errors import ConfigurationError
from engines.embedding import EmbeddingError, EndpointConfig, Vectors, tokens

TEXTS_PER_REQUEST = 64
TIMEOUT = httpx.Timeout(60, connect=5)
PASSING = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
LONGEST_MESSAGE = 300
# Many endpoints refuse an empty text.
NOTHING = "."


class OpenAICompatibleEmbedder:
    """The endpoint's tokenizer is not known: the one of all-MiniLM-L6-v2 measures instead, and texts stay as
    short as that model needs them, which any other reads whole."""

    max_tokens = tokens.MAX_TOKENS

    def __init__(self, config: EndpointConfig) -> None:
        if not config.model:
            raise ConfigurationError("Set EMBEDDING_MODEL to the model that EMBEDDING_URL is to use.")
        if not config.url.startswith(("http://", "https://")):
            raise ConfigurationError("EMBEDDING_URL must begin with http:// or https://.")
        self.model, self._key, self._dimensions = config.model, config.api_key, config.dimensions
        self._url = f"{config.url.rstrip('/').removesuffix('/v1')}/v1/embeddings"
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        self._client = httpx.Client(timeout=TIMEOUT, headers=headers)

    @cached_property
    def dimensions(self) -> int:
        """As set, or else as the endpoint's first answer has it."""
        return int(self._dimensions or self._request([NOTHING]).shape[1])

    def embed(self, tenant_id: UUID, texts: Sequence[str]) -> Vectors:
        parts = [np.empty((0, self.dimensions), np.float32)]
        for first in range(0, len(texts), TEXTS_PER_REQUEST):
            batch = [_presentable(text) for text in texts[first : first + TEXTS_PER_REQUEST]]
            parts.append(self._unit_vectors(batch))
        return np.concatenate(parts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return tokens.count_tokens(texts)

    def token_starts(self, text: str) -> list[int]:
        return tokens.token_starts(text)

    def _unit_vectors(self, texts: list[str]) -> Vectors:
        vectors = self._request(texts)
        if vectors.shape[1] != self.dimensions:
            detail = (
                f"{self.model} answered with {vectors.shape[1]} dimensions instead of {self.dimensions}. "
                "Correct EMBEDDING_DIMENSIONS, or EMBEDDING_MODEL if the endpoint's model was exchanged."
            )
            raise EmbeddingError("embedding_dimensions", detail)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(lengths).all() and lengths.all()):
            raise _refused(f"{self.model} answered with a vector that has no direction.")
        unit: Vectors = vectors / lengths
        return unit

    def _request(self, texts: list[str]) -> Vectors:
        """Base64 is a quarter of the size; endpoints that do not know it answer with numbers all the same."""
        body = {"model": self.model, "input": texts, "encoding_format": "base64"}
        try:
            response = self._client.post(self._url, json=body)
        except httpx.HTTPError as error:
            raise _unavailable(f"{self._url} did not answer: {type(error).__name__}.") from error
        if response.status_code in PASSING or response.is_server_error:
            raise _unavailable(self._complaint(response))
        if not response.is_success:
            raise _refused(self._complaint(response))
        return _vectors(response, len(texts))

    def _complaint(self, response: httpx.Response) -> str:
        """The endpoint's own words, which may quote the key."""
        words = " ".join(_message(response).split())
        if self._key:
            words = words.replace(self._key, "***")
        return f"{self._url} answered {response.status_code}: {words[:LONGEST_MESSAGE]}"


def _presentable(text: str) -> str:
    """No endpoint is asked for more than was promised to it: neither nothing nor too much."""
    if len(text) > tokens.MAX_TOKENS:
        starts = tokens.token_starts(text)
        text = text[: starts[tokens.MAX_TOKENS]] if len(starts) > tokens.MAX_TOKENS else text
    return text if text.strip() else NOTHING


def _vectors(response: httpx.Response, expected: int) -> Vectors:
    try:
        items = sorted(response.json()["data"], key=lambda item: item["index"])
        vectors = np.array([_vector(item["embedding"]) for item in items], np.float32)
    except (ValueError, KeyError, TypeError) as error:
        raise _refused("EMBEDDING_URL does not answer as an OpenAI-compatible endpoint.") from error
    if vectors.ndim != 2 or len(vectors) != expected:
        raise _refused(f"EMBEDDING_URL answered with {len(vectors)} vectors for {expected} texts.")
    return vectors


def _vector(embedding: str | list[float]) -> Vectors:
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding, validate=True), "<f4")
    return np.array(embedding, np.float32)


def _message(response: httpx.Response) -> str:
    """`{"error": {"message": …}}` as OpenAI has it, `{"error": …}` as others do, or whatever was sent."""
    try:
        error: Any = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return response.text
    return str(error.get("message", error) if isinstance(error, dict) else error)


def _unavailable(detail: str) -> EmbeddingError:
    return EmbeddingError("embedding_unavailable", detail)


def _refused(detail: str) -> EmbeddingError:
    return EmbeddingError("embedding_refused", detail)
