"""Connections that their clients abort leave nothing behind in the server."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.reports import Row
from knowledge.models import Document
from tests.conftest import Person
from tests.proof.conftest import Size
from tests.proof.connections.aborts import Aborts
from tests.proof.connections.server import Held, Server
from tests.support.api_client import Caller

KINDS = (
    "reset while it is answered",
    "several requests at once, then reset",
    "half-closed after the request",
    "stream of events cancelled",
    "answer never read",
    "half of a header",
    "half of a body",
)
# The server waits for these clients, each for as long as it waits for any.
WAITING = {"answer never read", "half of a header", "half of a body"}
AT_ONCE, WAITING_AT_ONCE = 16, 250


@pytest.mark.parametrize("kind", KINDS)
def test_aborted_connections_leave_the_pool_whole(
    kind: str,
    server: Server,
    owner: Person,
    caller: Caller,
    queued: Document,
    size: Size,
    measured: list[Row],
):
    session = owner.client.cookies["sessionid"].value
    aborts = Aborts(server, key=caller.key.secret, session=session, document=queued.pk)
    assert server.is_ready()
    count = size(32, 1000)
    _abort(aborts.kinds()[kind], count, at_once=WAITING_AT_ONCE if kind in WAITING else AT_ONCE)
    held = server.settled()
    measured.append(
        {"What": f"{count:,} connections: {kind}", "Measured": f"{held.used} connections of the pool lost"}
    )
    assert held == Held(used=0, waiting=0, clients=0)
    assert server.is_ready()


def _abort(abort: Callable[[], None], count: int, *, at_once: int) -> None:
    with ThreadPoolExecutor(at_once) as threads:
        for done in [threads.submit(abort) for _ in range(count)]:
            done.result()
