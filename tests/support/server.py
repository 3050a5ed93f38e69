"""OYL behind a real socket, with a worker, for external clients. Both are processes of their own."""

from __future__ import annotations

import socket
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import uvicorn
from django.test import override_settings

from tests.knowledge.libraries import work
from tests.proof import killable


@contextmanager
def running_server() -> Iterator[str]:
    """Yield the server's address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:  # early clients wait in its backlog
        server = killable.start(lambda: _serve(listener))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.kill()


def _serve(listener: socket.socket) -> None:
    from oyl.asgi import application

    warnings.resetwarnings()  # the suite turns them into errors
    with override_settings(ALLOWED_HOSTS=["127.0.0.1"]):
        config = uvicorn.Config(application, lifespan="off", log_config=None)
        uvicorn.Server(config).run(sockets=[listener])


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
