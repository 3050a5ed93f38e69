"""The process that owns Qdrant Edge's files; web, workers and commands share it over a socket."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from oyl.embedded import secrets
from oyl.embedded.layout import Layout
from oyl.embedded.program import Program


def program(layout: Layout) -> Program:
    passwords = layout.service_passwords
    arguments = (
        "--socket",
        str(layout.vector_socket),
        "--dir",
        str(layout.vectors),
        "--passwords",
        str(passwords),
    )
    return Program(
        name="vectors",
        quiet=True,
        command=(sys.executable, "-m", "engines.vectors.edge_process", *arguments),
        prepare=lambda: _prepare(layout),
        is_ready=lambda: _listens(layout.vector_socket),
    )


def _prepare(layout: Layout) -> None:
    layout.vectors.mkdir(parents=True, exist_ok=True)
    secrets.service_passwords(layout.service_passwords)


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(path))
        except OSError:
            return False
    return True
