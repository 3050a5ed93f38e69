"""A service that runs call: it notes each effect with its idempotency key, and is not reliable."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# The part of the calls that are refused; of those that are done, the parts without an answer, and with a late one.
REFUSED, UNANSWERED, LATE = 0.1, 0.05, 0.03
LATE_SECONDS = 1.0
Effect = tuple[str, str, int]


class Effects(threading.Thread):
    """`keys` are the idempotency keys under which each effect was made; `is_reliable` ends the faults."""

    def __init__(self, seed: int) -> None:
        super().__init__(name="effects", daemon=True)
        self.keys: defaultdict[Effect, list[str]] = defaultdict(list)
        self.is_reliable = True
        self._rng, self._lock = random.Random(seed), threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/effects"
        self.start()

    def run(self) -> None:
        self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _happens(self, rate: float) -> bool:
        with self._lock:
            return not self.is_reliable and self._rng.random() < rate

    def note(self, key: str, body: dict[str, Any]) -> None:
        with self._lock:
            self.keys[body["run"], body["step"], body["item"]].append(key)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        effects = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if effects._happens(REFUSED):
                    self._answer(503, {})
                    return
                effects.note(self.headers["Idempotency-Key"], body)
                if effects._happens(UNANSWERED):
                    self.close_connection = True
                    return
                if effects._happens(LATE):
                    time.sleep(LATE_SECONDS)
                self._answer(200, {"square": body["item"] ** 2})

            def _answer(self, status: int, value: dict[str, Any]) -> None:
                content = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Nothing is printed."""

        return Handler
