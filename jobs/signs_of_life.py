"""Workers and beat write a sign of life to Redis every few seconds, so that one that hangs is seen."""

from __future__ import annotations

import logging
import os
import socket
import threading
from typing import NamedTuple, cast

from django.conf import settings
from redis import Redis, RedisError

logger = logging.getLogger(__name__)
PREFIX = "oyl:alive"
EVERY_SECONDS = 5
# Longer than a process may be busy with one C call that keeps Python's lock.
SILENT_SECONDS = 45
FORGOTTEN_SECONDS = 900


class Sign(NamedTuple):
    """`kind` is "worker" or "beat", `name` is HOST:PID; `age` is in seconds."""

    kind: str
    name: str
    age: int

    @property
    def is_silent(self) -> bool:
        return self.age > SILENT_SECONDS


def start_giving_signs(kind: str) -> None:
    """In a thread of its own until the process ends."""
    key = f"{PREFIX}:{kind}:{socket.gethostname()}:{os.getpid()}"
    threading.Thread(target=_give_signs, args=[key], name="signs of life", daemon=True).start()


def signs() -> list[Sign]:
    """Of all processes that have been heard within a quarter of an hour, the latest first. Redis's clock counts. Raises
    RedisError."""
    with _client() as client:
        keys = [key.decode() for key in client.scan_iter(f"{PREFIX}:*", count=1000)]
        lifetimes = [cast(int, client.ttl(key)) for key in keys]
    names = [key.removeprefix(f"{PREFIX}:").split(":", 1) for key in keys]
    found = [
        Sign(kind, name, FORGOTTEN_SECONDS - seconds)
        for (kind, name), seconds in zip(names, lifetimes, strict=True)
        if seconds >= 0
    ]
    return sorted(found, key=lambda sign: sign.age)


def _give_signs(key: str) -> None:
    pause = threading.Event()
    while True:
        try:
            with _client() as client:
                while True:
                    client.set(key, 1, ex=FORGOTTEN_SECONDS)
                    pause.wait(EVERY_SECONDS)
        except RedisError as error:
            logger.warning("Redis hears no sign of life of this process: %s", error)
            pause.wait(EVERY_SECONDS)


def _client() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=EVERY_SECONDS)
