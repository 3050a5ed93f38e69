"""The embedded adapter: a client of `engines.vectors.edge_process`, which owns the Qdrant Edge shards."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from engines.vectors import StoredPoint, VectorStoreError, wire
from engines.vectors.bm25 import Sparse
from engines.vectors.filters import Spec
from engines.vectors.fusion import Ranking
from engines.vectors.qdrant import Component, QdrantStore, Rows, stored_point

# Longer than any call takes; a restarting owner replays its log before it listens.
TIMEOUT_SECONDS = 30.0


class EdgeStore(QdrantStore):
    """Thread-safe: each call takes a connection from a pool. After a fork the child opens its own."""

    def __init__(self, socket_path: Path, password: str, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self._path, self._password, self._timeout = socket_path, password, timeout
        self._idle: list[socket.socket] = []
        os.register_at_fork(after_in_child=self._idle.clear)

    def _upsert(self, collection: str, rows: Rows, own: Spec) -> None:
        lengths = np.array([len(terms.indices) for terms in rows.sparse], np.uint32)
        indices = np.concatenate([terms.indices for terms in rows.sparse])
        values = np.concatenate([terms.values for terms in rows.sparse])
        runs = [list(run) for _, run in groupby(rows.payloads, key=id)]
        payloads, repeats = [run[0] for run in runs], list(map(len, runs))
        header = {"ids": rows.ids, "payloads": payloads, "repeats": repeats, "own": own}
        self._call("upsert", collection, header, [rows.dense, lengths, indices, values])

    def _set_payload(self, collection: str, changes: list[tuple[Spec, dict[str, Any]]]) -> None:
        self._call("set_payload", collection, {"changes": changes})

    def _delete(self, collection: str, filter: Spec) -> None:
        self._call("delete", collection, {"filter": filter})

    def _query(self, collection: str, components: Iterable[Component]) -> dict[str, Ranking]:
        """Send each component as soon as it is known: the sparse query runs while the text is being embedded."""
        unanswered: list[tuple[str, wire.Message, socket.socket]] = []
        rankings: dict[str, Ranking] = {}
        try:
            for component in components:
                header = {
                    "operation": "query",
                    "collection": collection,
                    "using": component.using,
                    "filter": component.filter,
                    "corpus": component.corpus,
                    "limit": component.limit,
                }
                vector, no_indices = component.vector, np.array([], np.uint32)
                arrays = [*vector] if isinstance(vector, Sparse) else [no_indices, vector]
                request = wire.Message(header, arrays)
                unanswered.append((component.using, request, self._send(request)))
            while unanswered:
                using, request, connection = unanswered.pop(0)
                rankings[using] = self._receive(connection, request).header["ranking"]
            return rankings
        finally:
            for _, _, connection in unanswered:
                connection.close()

    def _count(self, collection: str, filter: Spec) -> int:
        count: int = self._call("count", collection, {"filter": filter}).header["count"]
        return count

    def _scroll(
        self, collection: str, filter: Spec, after: UUID | None, limit: int, with_vectors: bool
    ) -> list[StoredPoint]:
        start = after and str(after)
        header = {"filter": filter, "after": start, "limit": limit, "with_vectors": with_vectors}
        response = self._call("scroll", collection, header)
        rows = response.header["rows"]
        vectors: list[Any] = [None] * len(rows)
        if rows and with_vectors:
            vectors = response.arrays[0].reshape(len(rows), -1).tolist()
        return [
            stored_point(id, payload, vector) for (id, payload), vector in zip(rows, vectors, strict=True)
        ]

    def _call(
        self, operation: str, collection: str, header: dict[str, Any], arrays: Sequence[wire.Array] = ()
    ) -> wire.Message:
        request = wire.Message({"operation": operation, "collection": collection, **header}, [*arrays])
        return self._receive(self._send(request), request)

    def _send(self, request: wire.Message) -> socket.socket:
        """Return the connection that the response will come on. Idle connections may be dead, because the owner was
        restarted: then a new one is used."""
        with self._vector_store_errors():
            while self._idle:
                try:
                    return _send_on(self._idle.pop(), request)
                except TimeoutError:
                    raise
                except (OSError, IndexError):  # IndexError: another thread took the last one
                    self._idle.clear()
            return _send_on(self._connect(), request)

    def _receive(self, connection: socket.socket, request: wire.Message) -> wire.Message:
        """Return the response. If the owner closed the connection, retry once, because it may have been restarted."""
        with self._vector_store_errors():
            try:
                response = self._read(connection)
            except TimeoutError:
                raise
            except (OSError, EOFError):
                self._idle.clear()
                response = self._read(_send_on(self._connect(), request))
        if "error" in response.header:
            raise VectorStoreError(**response.header["error"])
        return response

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(self._timeout)
        try:
            connection.connect(str(self._path))
            wire.send_password(connection, self._password)
        except OSError:
            connection.close()
            raise
        return connection

    def _read(self, connection: socket.socket) -> wire.Message:
        """Read a response and return the connection to the pool."""
        try:
            response = wire.receive(connection, timeout=self._timeout)
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return response

    @contextmanager
    def _vector_store_errors(self) -> Iterator[None]:
        try:
            yield
        except wire.WireError as error:
            raise VectorStoreError("vector_store_rejected", str(error)) from error
        except (OSError, EOFError) as error:
            raise VectorStoreError(
                "vector_store_unavailable",
                f"The vector store does not answer at {self._path} ({error}): is it running?"
                " `manage.py services status`",
            ) from error


def _send_on(connection: socket.socket, request: wire.Message) -> socket.socket:
    try:
        wire.send(connection, request.header, request.arrays)
    except BaseException:
        connection.close()
        raise
    return connection
