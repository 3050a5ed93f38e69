"""`python -m engines.vectors.edge_process --socket S --dir D`: the one process that has the Qdrant Edge shards
below D open.

Qdrant Edge lets one process open a shard; web, workers and commands reach it here, through a unix socket that
only their own user can open. It answers when it listens. SIGTERM and SIGINT flush, close and exit with 0.
"""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import signal
import socket
import socketserver
import sys
import threading
from pathlib import Path
from typing import Any

from engines.vectors import VectorStoreError, edge_operations, wire
from engines.vectors.filters import checked_name
from engines.vectors.shards import Shards

log = logging.getLogger("vectors")

# A client that stops in the middle of a message is let go after this many seconds.
STALLED_SECONDS = 30.0


class _Connection(socketserver.BaseRequestHandler):
    server: EdgeProcess
    request: socket.socket

    def handle(self) -> None:
        while True:
            try:
                message = wire.receive(self.request, seconds=STALLED_SECONDS)
                header, arrays = self.server.answer(message)
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

    def __init__(self, path: Path, shards: Shards) -> None:
        self._shards = shards
        super().__init__(str(path), _Connection)

    def answer(self, message: wire.Message) -> tuple[dict[str, Any], list[wire.Array]]:
        try:
            return self._done(message)
        except VectorStoreError as error:
            return _refusal(error.code, error.detail), []
        except (ValueError, KeyError, TypeError) as error:
            return _refusal("vector_store_rejected", f"The request is malformed: {error!r}"), []
        except BaseException as error:  # a panic inside the engine is no Exception
            if self._shards.closing:
                return _refusal("vector_store_unavailable", "The vector store is stopping."), []
            return _failure(error), []

    def _done(self, message: wire.Message) -> tuple[dict[str, Any], list[wire.Array]]:
        header = message.header
        operation, name = header["operation"], checked_name(header["collection"])
        if operation == "upsert":
            points = len(header["ids"])
            collection = self._shards.get_or_create(name, message.arrays[0].size // points)
            collection.update([edge_operations.upsert(message)], points)
            return {}, []
        found = self._shards.get(name)
        if operation == "query":
            return {"ranking": edge_operations.query(found.shard, message) if found else []}, []
        if operation == "scroll":
            rows, vectors = edge_operations.scroll(found.shard, header) if found else ([], [])
            return {"rows": rows}, vectors
        if operation == "set_payload":
            changes = [edge_operations.set_payload(filter, payload) for filter, payload in header["changes"]]
        elif operation == "delete":
            changes = [edge_operations.delete(header["filter"])]
        else:
            raise ValueError(f"unknown operation {operation!r}")
        if found:
            found.update(changes, 0)
        return {}, []


def _refusal(code: str, detail: str) -> dict[str, Any]:
    return {"error": {"code": code, "detail": detail}}


def _failure(error: BaseException) -> dict[str, Any]:
    """The engine has one class for all errors; those of the machine begin with 'Service'."""
    if str(error).startswith("Service") or not isinstance(error, Exception):
        log.error("The engine failed", exc_info=error)
        return _refusal("vector_store_failed", f"The vector store failed: {error}")
    return _refusal("vector_store_rejected", f"The vector store refused: {error}")


def _locked(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(f"Another process owns the vectors in {folder}: stop it first, or use that one.")
    return descriptor


def _free(path: Path) -> None:
    """Make the folder of the socket private, and remove a socket that nobody listens at."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent.stat().st_uid != os.getuid():
        sys.exit(f"{path.parent} belongs to another user: choose another place for the socket.")
    path.parent.chmod(0o700)
    with socket.socket(socket.AF_UNIX) as probe:
        if probe.connect_ex(str(path)) == 0:
            sys.exit(f"Another process listens at {path}: choose another socket.")
    path.unlink(missing_ok=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="engines.vectors.edge_process", description="Own the Qdrant Edge shards."
    )
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--dir", type=Path, required=True)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    lock = _locked(options.dir)
    _free(options.socket)
    # A call of the engine takes about a millisecond: threads must not wait longer than that for their turn.
    sys.setswitchinterval(0.001)
    shards = Shards(options.dir)
    os.umask(0o177)
    owner = EdgeProcess(options.socket, shards)
    os.umask(0o077)
    shards.keep()
    # A handler in Python, which sets an Event for example, may never come to run when two signals meet; a byte always comes.
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    threading.Thread(target=owner.serve_forever, daemon=True).start()
    log.info("Owning the vectors in %s", options.dir)
    os.read(told, 1)
    owner.shutdown()
    options.socket.unlink(missing_ok=True)
    shards.close()
    os.close(lock)


if __name__ == "__main__":
    main()
