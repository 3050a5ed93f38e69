"""Messages between the owner of the shards and its clients: a JSON header, then plain arrays of numbers.

Nothing in a message can name code to run, and its size is known, and limited, before it is read."""

from __future__ import annotations

import hmac
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
_DTYPES: dict[str, np.dtype[Any]] = {"f": np.dtype("<f4"), "u": np.dtype("<u4")}

Array = NDArray[Any]


class WireError(Exception):
    """A message is invalid or too long."""


class Message(NamedTuple):
    header: dict[str, Any]
    arrays: list[Array]


def send_password(connection: socket.socket, password: str) -> None:
    """What a client sends first; there is no answer to it."""
    connection.sendall(password.encode())


def has_password(connection: socket.socket, password: str, *, timeout: float) -> bool:
    """Return whether the other side begins with the password. Raises EOFError and OSError."""
    connection.settimeout(timeout)
    received = _read(connection, len(password.encode()))
    connection.settimeout(None)
    return hmac.compare_digest(received, password.encode())


def send(connection: socket.socket, header: dict[str, Any], arrays: Sequence[Array] = ()) -> None:
    """Arrays are sent flat: the header has their shapes where they matter."""
    parts = [np.ascontiguousarray(array, _DTYPES[array.dtype.kind]) for array in arrays]
    encoded = json.dumps({**header, "arrays": [[array.dtype.kind, array.size] for array in arrays]}).encode()
    body_size = sum(part.nbytes for part in parts)
    if len(encoded) + body_size > MAX_BYTES:
        raise WireError(f"A message of {len(encoded) + body_size} bytes is over the limit of {MAX_BYTES}.")
    connection.sendall(_PREFIX.pack(_MAGIC, len(encoded), body_size) + encoded)
    for part in parts:
        connection.sendall(part.data)


def receive(connection: socket.socket, *, timeout: float) -> Message:
    """Wait for a message as long as the connection's own timeout allows, then at most `timeout` seconds for each part of
    it. Raises EOFError if the other side has closed the connection, OSError and WireError."""
    own_timeout = connection.gettimeout()
    prefix = _read(connection, 1)
    try:
        connection.settimeout(timeout)
        magic, header_size, body_size = _PREFIX.unpack(prefix + _read(connection, _PREFIX.size - 1))
        if magic != _MAGIC or header_size + body_size > MAX_BYTES:
            raise WireError("This is no message of ours, or it is too long.")
        encoded, body = _read(connection, header_size), _read(connection, body_size)
    finally:
        connection.settimeout(own_timeout)
    try:
        header = json.loads(encoded)
        arrays, start = list[Array](), 0
        for kind, count in header.pop("arrays"):
            arrays.append(np.frombuffer(body, _DTYPES[kind], count, start))
            start += 4 * count
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WireError(f"The message cannot be read: {error!r}") from error
    if start != len(body) or sum(array.size for array in arrays) * 4 != start:
        raise WireError("The message does not have the arrays that it promises.")
    return Message(header, arrays)


def _read(connection: socket.socket, size: int) -> bytearray:
    buffer = bytearray(size)
    view = memoryview(buffer)
    while view:
        received = connection.recv_into(view)
        if not received:
            raise EOFError("The other side closed the connection.")
        view = view[received:]
    return buffer
