"""Any OpenAI-compatible `/v1/embeddings`: TEI, vLLM, Ollama, OpenAI and others."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Sequence
from functools import cached_property
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx
import numpy as np
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from knowledge.embedding import EmbeddingError, Vectors, tokens

TEXTS_PER_REQUEST = 64
TIMEOUT = httpx.Timeout(60, connect=5)
PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
LONGEST_MESSAGE = 300


class OpenAICompatibleEmbedder:
    """The endpoint's tokenizer is not known: texts are measured by all-MiniLM-L6-v2's, and kept as short as it needs."""

    max_tokens = tokens.MAX_TOKENS

    def __init__(self) -> None:
        if not settings.EMBEDDING_MODEL:
            raise ImproperlyConfigured("Set EMBEDDING_MODEL to the model that EMBEDDING_URL shall use.")
        self.model = settings.EMBEDDING_MODEL
        self._url = f"{settings.EMBEDDING_URL.rstrip('/').removesuffix('/v1')}/v1/embeddings"
        key = settings.EMBEDDING_API_KEY
        self._client = httpx.Client(timeout=TIMEOUT, headers={"Authorization": f"Bearer {key}"} if key else {})

    @cached_property
    def dimensions(self) -> int:
        """As set, or as a first answer has it."""
        return int(settings.EMBEDDING_DIMENSIONS) or len(self._request(["dimensions"])[0])

    def embed(self, tenant_id: UUID, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        for rows in itertools.batched(range(len(texts)), TEXTS_PER_REQUEST):
            ...
        return vectors

    def token_spans(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        return tokens.token_spans(texts)
