"""OYL behind a real socket, with a worker, for external clients. Both are processes of their own."""

from __future__ import annotations

import socket
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import uvicorn
from django.db import connection
from django.test import override_settings

from oyl.web_server import configuration
from tests.knowledge.libraries import work
from tests.proof import killable


@contextmanager
def running_server(wrap: Callable[[Any], Any] = lambda application: application) -> Iterator[str]:
    """Yield the server's address. `wrap` is called in the server's process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:  # early clients wait in its backlog
        server = killable.start(lambda: _serve(listener, wrap))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.kill()


def _serve(listener: socket.socket, wrap: Callable[[Any], Any]) -> None:
    from oyl.asgi import application

    connection.close()  # the server's threads take theirs from the pool
    warnings.resetwarnings()  # the suite turns them into errors
    with override_settings(ALLOWED_HOSTS=["127.0.0.1", "localhost"]):
        uvicorn.Server(configuration(wrap(application), log_config=None)).run(sockets=[listener])


@contextmanager
def working(tenant_id: UUID) -> Iterator[None]:
    """Run a worker that processes the tenant's jobs until the block ends."""
    worker = killable.start(lambda: _work(tenant_id))
    try:
        yield
    finally:
        worker.kill()


def _work(tenant_id: UUID) -> None:
    while True:
        if not work(tenant_id):
            time.sleep(0.05)
