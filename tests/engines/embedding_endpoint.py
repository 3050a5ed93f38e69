"""An embedding endpoint with OpenAI's API, in front of an embedder of OYL."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from engines.embedding import Embedder, TextRole
from tests.support.model_server import Body, ModelServer, running

TENANT = UUID(int=1)


class Endpoint(ModelServer):
    def __init__(self, embedder: Embedder) -> None:
        super().__init__(self._embeddings)
        self.embedder = embedder
        self.supports_base64 = True

    def _embeddings(self, body: Body) -> dict[str, Any]:
        """Return vectors in reverse order and of length 3: the client must sort and normalise them."""
        vectors = 3 * self.embedder.embed(TENANT, body["input"], TextRole.PASSAGE)
        as_base64 = self.supports_base64 and body["encoding_format"] == "base64"
        data = [
            {"index": row, "embedding": base64.b64encode(vector).decode() if as_base64 else vector.tolist()}
            for row, vector in enumerate(vectors)
        ]
        return {"data": data[::-1]}


@contextmanager
def running_endpoint(embedder: Embedder) -> Iterator[Endpoint]:
    with running(Endpoint(embedder)) as server:
        yield server
