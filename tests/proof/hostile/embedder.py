"""A fake embedding endpoint, because the time that a model takes is not measured here."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from zlib import crc32

import numpy as np

MODEL, DIMENSIONS = "hostile", 8


class _Endpoint(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        data = [{"index": at, "embedding": _vector(text)} for at, text in enumerate(texts)]
        body = json.dumps({"data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _vector(text: str) -> str:
    numbers = np.random.default_rng(crc32(text.encode())).standard_normal(DIMENSIONS, np.float32)
    return base64.b64encode(numbers.astype("<f4").tobytes()).decode()


@contextmanager
def embedding_endpoint() -> Iterator[dict[str, str]]:
    """Yield the settings that select the endpoint."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Endpoint) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"EMBEDDING_URL": f"http://127.0.0.1:{server.server_port}", "EMBEDDING_MODEL": MODEL}
        server.shutdown()
