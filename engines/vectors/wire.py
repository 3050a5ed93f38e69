"""Messages between the owner of the shards and its clients: a JSON header, then plain arrays of numbers.

Nothing in a message can name code to run, and its size is known, and bounded, before it is read."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_BYTES = 64 * 1024 * 1024
_PREFIX = struct.Struct("!4sII")
_MAGIC = b"OYL1"
_KINDS: dict[str, np.dtype[Any]] = {"f": np.dtype("<f4"), "u": np.dtype("<u4")}

Array = NDArray[Any]


class WireError(Exception):
    """What arrived is no message of ours."""


class Message(NamedTuple):
    header: dict[str, Any]
    arrays: list[Array]


def send(connection: socket.socket, header: dict[str, Any], arrays: Sequence[Array] = ()) -> None:
    """Arrays are sent flat: the header says their shape where it matters."""
    parts = [np.ascontiguousarray(array, _KINDS[array.dtype.kind]) for array in arrays]
    head = json.dumps({**header, "arrays": [[array.dtype.kind, array.size] for array in arrays]}).encode()
    body = sum(part.nbytes for part in parts)
    if len(head) + body > MAX_BYTES:
        raise WireError(f"A message of {len(head) + body} bytes is over the limit of {MAX_BYTES}.")
    connection.sendall(_PREFIX.pack(_MAGIC, len(head), body) + head)
    for part in parts:
        connection.sendall(part.data)


def receive(connection: socket.socket, *, seconds: float) -> Message:
    """Waits for a message as long as the connection allows, then at most `seconds` for each part of it.
    Raises EOFError when the other side has gone, OSError, and WireError."""
    idle = connection.gettimeout()
    prefix = _exactly(connection, 1)
    try:
        connection.settimeout(seconds)
        magic, head, body = _PREFIX.unpack(prefix + _exactly(connection, _PREFIX.size - 1))
        if magic != _MAGIC or head + body > MAX_BYTES:
            raise WireError("This is no message of ours, or it is too long.")
        return _decoded(_exactly(connection, head), _exactly(connection, body))
    finally:
        connection.settimeout(idle)


def _exactly(connection: socket.socket, size: int) -> bytearray:
    buffer = bytearray(size)
    view = memoryview(buffer)
    while view:
        received = connection.recv_into(view)
        if not received:
            raise EOFError("The other side closed the connection.")
        view = view[received:]
    return buffer


def _decoded(head: bytearray, body: bytearray) -> Message:
    try:
        header = json.loads(head)
        arrays, start = list[Array](), 0
        for kind, count in header.pop("arrays"):
            arrays.append(np.frombuffer(body, _KINDS[kind], count, start))
            start += 4 * count
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WireError(f"The message cannot be read: {error!r}") from error
    if start != len(body) or sum(array.size for array in arrays) * 4 != start:
        raise WireError("The message does not have the arrays that it promises.")
    return Message(header, arrays)
