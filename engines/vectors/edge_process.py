"""`python -m engines.vectors.edge_process --socket S --dir D --passwords P`: the process that owns the Qdrant Edge shards
below D.

Only one process can open a shard: web, workers and commands are its clients, over a Unix socket that only their own user
can open, with a password. It is ready when it listens. SIGTERM and SIGINT flush, close and exit with 0.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import logging
import os
import signal
import socket
import socketserver
import sys
import threading
from pathlib import Path
from typing import Any

from core.process_start import prepare_process
from engines.vectors import VectorStoreError, edge_operations, wire
from engines.vectors.filters import validate_collection_name
from engines.vectors.shards import Shards

log = logging.getLogger("vectors")

# For a client that stops in the middle of a message.
READ_TIMEOUT_SECONDS = 30.0
Response = tuple[dict[str, Any], list[wire.Array]]


class _Connection(socketserver.BaseRequestHandler):
    server: EdgeProcess
    request: socket.socket

    def handle(self) -> None:
        try:
            if not wire.has_password(self.request, self.server.password, timeout=READ_TIMEOUT_SECONDS):
                log.warning("Closing a connection without the password.")
                return
        except (OSError, EOFError):
            return
        while True:
            try:
                request = wire.receive(self.request, timeout=READ_TIMEOUT_SECONDS)
                header, arrays = self.server.respond(request)
                wire.send(self.request, header, arrays)
            except wire.WireError as error:
                log.warning("Closing a connection: %s", error)
                return
            except (OSError, EOFError):
                return


class EdgeProcess(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, path: Path, folder: Path, password: str) -> None:
        """Lock the folder, make that of the socket private, remove a socket that no process listens at, and listen. Exits
        if another process owns the folder or the path."""
        self.password = password
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit(f"Another process owns the vectors in {folder}: stop it first, or use that one.")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.parent.stat().st_uid != os.getuid():
            sys.exit(f"{path.parent} belongs to another user: choose another place for the socket.")
        path.parent.chmod(0o700)
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                sys.exit(f"Another process listens at {path}: choose another socket.")
        path.unlink(missing_ok=True)
        self.shards = Shards(folder)
        os.umask(0o177)
        super().__init__(str(path), _Connection)
        os.umask(0o077)

    def stop(self) -> None:
        self.shutdown()
        Path(str(self.server_address)).unlink(missing_ok=True)
        self.shards.close()
        os.close(self._lock)

    def respond(self, request: wire.Message) -> Response:
        try:
            return self._execute(request)
        except VectorStoreError as error:
            return _error(error.code, error.detail)
        except (ValueError, KeyError, TypeError) as error:
            return _error("vector_store_rejected", f"The request is malformed: {error!r}")
        except BaseException as error:  # a panic inside the engine is not an Exception
            if self.shards.closing:
                return _error("vector_store_unavailable", "The vector store is stopping.")
            # The engine has one class for all errors; the messages of internal ones begin with "Service".
            if isinstance(error, Exception) and not str(error).startswith("Service"):
                return _error("vector_store_rejected", f"The vector store refused: {error}")
            log.error("The engine failed", exc_info=error)
            return _error("vector_store_failed", f"The vector store failed: {error}")

    def _execute(self, request: wire.Message) -> Response:
        header = request.header
        operation, name = header["operation"], validate_collection_name(header["collection"])
        if operation == "upsert":
            count = len(header["ids"])
            collection = self.shards.get_or_create(name, request.arrays[0].size // count)
            collection.update([edge_operations.upsert(request)], count)
            return {}, []
        existing = self.shards.get(name)
        if operation == "query":
            return {"ranking": edge_operations.query(existing.shard, request) if existing else []}, []
        if operation == "count":
            return {"count": edge_operations.count(existing.shard, header["filter"]) if existing else 0}, []
        if operation == "scroll":
            rows, vectors = edge_operations.scroll(existing.shard, header) if existing else ([], [])
            return {"rows": rows}, vectors
        if operation == "set_payload":
            changes = [edge_operations.set_payload(filter, payload) for filter, payload in header["changes"]]
        elif operation == "delete":
            changes = [edge_operations.delete(header["filter"])]
        else:
            raise ValueError(f"unknown operation {operation!r}")
        if existing:
            existing.update(changes, 0)
        return {}, []


def _error(code: str, detail: str) -> Response:
    return {"error": {"code": code, "detail": detail}}, []


def main() -> None:
    prepare_process()
    parser = argparse.ArgumentParser(
        prog="engines.vectors.edge_process", description="Own the Qdrant Edge shards."
    )
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument(
        "--passwords", type=Path, required=True, help="a JSON file that has that of `vectors`"
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    # A call of the engine takes about a millisecond: threads must not wait longer than that for their turn.
    sys.setswitchinterval(0.001)
    password = json.loads(options.passwords.read_text())["vectors"]
    server = EdgeProcess(options.socket, options.dir, password)
    server.shards.start_maintenance()
    # When two signals coincide, a handler in Python may never run; the byte that the wakeup fd gets is always written.
    wakeup_reader, wakeup_writer = os.pipe()
    os.set_blocking(wakeup_writer, False)
    signal.set_wakeup_fd(wakeup_writer, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    log.info("Owning the vectors in %s", options.dir)
    os.read(wakeup_reader, 1)
    server.stop()


if __name__ == "__main__":
    main()
