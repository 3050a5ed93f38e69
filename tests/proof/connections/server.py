"""A server that tells what it holds: its connections to the database, and those of its clients."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
from django.conf import settings
from django.db import connection

from oyl import http_protocol

HELD = "/held"
SETTLE_SECONDS = 45


@dataclass(frozen=True, slots=True)
class Held:
    """`used` are connections that the pool has given out, `waiting` requests that wait for one; `clients` are connections
    of clients, without that of the question."""

    used: int
    waiting: int
    clients: int


def without_limits(application: Any, seconds: Mapping[str, float]) -> Any:
    """The application, which answers at HELD without Django. Some time limits are others, and requests in a
    minute, streams and downloads are not limited, so that each of them is answered."""
    for name, value in seconds.items():
        setattr(http_protocol, name, value)
    settings.OYL_KEY_REQUESTS = settings.OYL_TENANT_REQUESTS = settings.OYL_ADDRESS_REQUESTS = 0
    settings.OYL_CONCURRENT_STREAMS = settings.OYL_CONCURRENT_DOWNLOADS = 0

    async def tell(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != HELD:
            await application(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(_held(scope["server"][1])).encode()})

    return tell


def _held(port: int) -> dict[str, int]:
    sockets = psutil.Process().net_connections("tcp")
    clients = [one for one in sockets if one.laddr.port == port and one.status != psutil.CONN_LISTEN]
    stats = connection.pool.get_stats()  # type: ignore[attr-defined]
    used = stats["pool_size"] - stats["pool_available"]
    return {"used": used, "waiting": stats["requests_waiting"], "clients": len(clients) - 1}


class Server:
    def __init__(self, address: str) -> None:
        self.address, parts = address, urlsplit(address)
        self._peer = (parts.hostname, parts.port)

    def held(self) -> Held:
        return Held(**httpx.get(f"{self.address}{HELD}", timeout=30).json())

    def settled(self) -> Held:
        """What it holds when it has given everything back, or after SETTLE_SECONDS."""
        until = time.monotonic() + SETTLE_SECONDS
        while (held := self.held()) and time.monotonic() < until:
            if held == Held(used=0, waiting=0, clients=0):
                break
            time.sleep(0.1)
        return held

    def is_ready(self) -> bool:
        return httpx.get(f"{self.address}/readyz", timeout=30).status_code == 200

    def connect(self, *, receive_buffer: int = 0) -> socket.socket:
        opened = socket.socket()
        if receive_buffer:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        opened.settimeout(30)
        opened.connect(self._peer)
        return opened


def reset(opened: socket.socket) -> None:
    """Close it without the usual farewell (RST instead of FIN)."""
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    opened.close()
