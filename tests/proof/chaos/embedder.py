"""A cheap OpenAI-compatible endpoint, which hashes words into a vector. At random it answers 503, or closes the
connection."""

from __future__ import annotations

import base64
import json
import random
import re
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np

DIMENSIONS = 64
MODEL = "hashed-words"
BUSY_RATE, CLOSE_RATE = 0.01, 0.01


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Endpoint

    def do_POST(self) -> None:
        texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        chance = random.random() if self.server.is_unreliable else 1.0
        if chance < CLOSE_RATE:
            self.close_connection = True
        elif chance < CLOSE_RATE + BUSY_RATE:
            self._answer(503, {"error": "busy"})
        else:
            data = [{"index": index, "embedding": _encoded_vector(text)} for index, text in enumerate(texts)]
            self._answer(200, {"data": data})

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


class Endpoint(ThreadingHTTPServer):
    daemon_threads = True
    is_unreliable = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        Thread(target=self.serve_forever, daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "EMBEDDING_URL": f"http://127.0.0.1:{self.server_port}",
            "EMBEDDING_MODEL": MODEL,
            "EMBEDDING_DIMENSIONS": str(DIMENSIONS),
            "EMBEDDING_API_KEY": "",
        }

    def handle_error(self, request: object, client_address: object) -> None:
        """The client was killed."""


def _encoded_vector(text: str) -> str:
    vector = np.zeros(DIMENSIONS, np.float32)
    vector[0] = 0.1
    for word in re.findall(r"\w+", text.lower()):
        vector[zlib.crc32(word.encode()) % DIMENSIONS] += 1
    return base64.b64encode(vector.tobytes()).decode()
