"""An embedding endpoint with OpenAI's API, in front of an embedder of OYL."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

from engines.embedding import Embedder, TextRole

TENANT = UUID(int=1)


class Endpoint(ThreadingHTTPServer):
    """A server with OpenAI's API. `response`, if set, is sent instead of vectors: (status, body)."""

    daemon_threads = True

    def __init__(self, embedder: Embedder) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.embedder = embedder
        self.response: tuple[int, bytes] | None = None
        self.supports_base64 = True
        self.requests: list[dict[str, Any]] = []
        self.authorizations: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body | {"path": self.path})
        self.server.authorizations.append(self.headers["Authorization"])
        status, content = self.server.response or (200, self._embeddings(body))
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _embeddings(self, body: dict[str, Any]) -> bytes:
        """Return vectors in reverse order and of length 3: the client must sort and normalise them."""
        vectors = 3 * self.server.embedder.embed(TENANT, body["input"], TextRole.PASSAGE)
        as_base64 = self.server.supports_base64 and body["encoding_format"] == "base64"
        data = [
            {"index": row, "embedding": base64.b64encode(vector).decode() if as_base64 else vector.tolist()}
            for row, vector in enumerate(vectors)
        ]
        return json.dumps({"data": data[::-1]}).encode()

    def log_message(self, *args: object) -> None:
        """Log nothing."""


@contextmanager
def running_endpoint(embedder: Embedder) -> Iterator[Endpoint]:
    with Endpoint(embedder) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
