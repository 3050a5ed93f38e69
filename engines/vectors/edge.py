"""The embedded adapter: a client of `engines.vectors.edge_process`, which owns the Qdrant Edge shards."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
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
TIMEOUT = 30.0


class EdgeStore(QdrantStore):
    """Thread-safe: each call borrows a connection. After a fork the child opens its own."""

    def __init__(self, socket_path: Path, *, timeout: float = TIMEOUT) -> None:
        self._path, self._timeout = socket_path, timeout
        self._idle: list[socket.socket] = []
        os.register_at_fork(after_in_child=self._idle.clear)

    def _upsert(self, collection: str, rows: Rows, own: Spec) -> None:
        lengths = np.array([len(terms.indices) for terms in rows.sparse], np.uint32)
        indices = np.concatenate([terms.indices for terms in rows.sparse])
        values = np.concatenate([terms.values for terms in rows.sparse])
        runs = [list(same) for _, same in groupby(rows.payloads, key=id)]
        payloads, repeats = [run[0] for run in runs], list(map(len, runs))
        header = {"ids": rows.ids, "payloads": payloads, "repeats": repeats, "own": own}
        self._call("upsert", collection, header, [rows.dense, lengths, indices, values])

    def _set_payload(self, collection: str, changes: list[tuple[Spec, dict[str, Any]]]) -> None:
        self._call("set_payload", collection, {"changes": changes})

    def _delete(self, collection: str, filter: Spec) -> None:
        self._call("delete", collection, {"filter": filter})

    def _query(self, collection: str, components: Iterable[Component]) -> dict[str, Ranking]:
        """Each is sent as soon as it is known: while a question is embedded, its words are looked up."""
        with ExitStack() as waiting:
            asked = {
                one.using: waiting.enter_context(
                    self._asked("query", collection, _described(one), _arrays(one))
                )
                for one in components
            }
            return {using: answer().header["ranking"] for using, answer in asked.items()}

    def _scroll(
        self, collection: str, filter: Spec, after: UUID | None, limit: int, with_vectors: bool
    ) -> list[StoredPoint]:
        start = after and str(after)
        header = {"filter": filter, "after": start, "limit": limit, "with_vectors": with_vectors}
        answer = self._call("scroll", collection, header)
        rows = answer.header["rows"]
        vectors: list[Any] = [None] * len(rows)
        if rows and with_vectors:
            vectors = answer.arrays[0].reshape(len(rows), -1).tolist()
        return [
            stored_point(id, payload, vector) for (id, payload), vector in zip(rows, vectors, strict=True)
        ]

    def _call(
        self, operation: str, collection: str, header: dict[str, Any], arrays: Sequence[wire.Array] = ()
    ) -> wire.Message:
        with self._asked(operation, collection, header, arrays) as answer:
            return answer()

    @contextmanager
    def _asked(
        self, operation: str, collection: str, header: dict[str, Any], arrays: Sequence[wire.Array]
    ) -> Iterator[Callable[[], wire.Message]]:
        """Send a request. What comes back waits for the answer, and is called at most once."""
        request = {"operation": operation, "collection": collection, **header}
        with self._errors():
            waiting = [self._sent(request, arrays)]

        def answer() -> wire.Message:
            with self._errors():
                message = self._answer(waiting.pop(), request, arrays)
            if "error" in message.header:
                raise VectorStoreError(**message.header["error"])
            return message

        try:
            yield answer
        finally:
            for unanswered in waiting:
                unanswered.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
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

    def _sent(self, request: dict[str, Any], arrays: Sequence[wire.Array]) -> socket.socket:
        """A connection that waited here may be dead, because the owner was restarted: then on a new one."""
        while self._idle:
            try:
                return _send(self._idle.pop(), request, arrays)
            except TimeoutError:
                raise
            except (OSError, IndexError):
                self._idle.clear()
        return _send(self._connected(), request, arrays)

    def _answer(
        self, connection: socket.socket, request: dict[str, Any], arrays: Sequence[wire.Array]
    ) -> wire.Message:
        """Asked once more when the owner has gone meanwhile, because it may be back."""
        try:
            return self._received(connection)
        except TimeoutError:
            raise
        except (OSError, EOFError):
            self._idle.clear()
            return self._received(_send(self._connected(), request, arrays))

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(self._timeout)
        try:
            connection.connect(str(self._path))
        except OSError:
            connection.close()
            raise
        return connection

    def _received(self, connection: socket.socket) -> wire.Message:
        try:
            answer = wire.receive(connection, seconds=self._timeout)
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return answer


def _send(connection: socket.socket, request: dict[str, Any], arrays: Sequence[wire.Array]) -> socket.socket:
    try:
        wire.send(connection, request, arrays)
    except BaseException:
        connection.close()
        raise
    return connection


def _described(component: Component) -> dict[str, Any]:
    return {
        "using": component.using,
        "filter": component.filter,
        "corpus": component.corpus,
        "limit": component.limit,
    }


def _arrays(component: Component) -> tuple[wire.Array, wire.Array]:
    """Indices, which a dense vector has none of, and values."""
    vector = component.vector
    return vector if isinstance(vector, Sparse) else (np.array([], np.uint32), vector)
