"""What OYL holds while a model answers: no transaction, and one tenant for each stream."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from conversations.answering.events import Finished
from core.isolation.scope import tenant_scope
from tests.conftest import Person
from tests.conversations.conftest import Desk, make_desk, with_model
from tests.conversations.requests import QUESTION, path_of, stream
from tests.support.api_client import make_caller
from tests.support.chat_server import Body, ChatServer, calls, says

SLOW, LONG = 3.0, 1.0
# Each transaction holds a lock on its own number. PostgreSQL is told not to track what its sessions do.
OPEN = """
SELECT virtualtransaction FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'virtualxid' AND datname = current_database() AND pid <> pg_backend_pid()
"""


@contextmanager
def watching() -> Iterator[set[str]]:
    """The transactions that were open for longer than LONG while the block ran."""
    begun, long, ended = dict[str, float](), set[str](), threading.Event()

    def look() -> None:
        with connection.cursor() as cursor:
            cursor.execute(OPEN)
            for (number,) in cursor.fetchall():
                if time.monotonic() - begun.setdefault(number, time.monotonic()) > LONG:
                    long.add(number)

    def watch() -> None:
        try:
            while not ended.wait(0.05):
                look()
        finally:
            connection.close()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield long
    finally:
        ended.set()
        thread.join()


def test_no_transaction_is_open_while_a_model_is_called(desk: Desk, server: ChatServer):
    slow = says("They dance [1].", first_after=SLOW)
    with_model(desk, server, tools={"names": ["search"], "rounds": 1})
    first = desk.reply()
    server.script.extend(
        [says("How do bees dance?", first_after=SLOW), calls(("search", {"query": "bees"})), slow]
    )
    with watching() as seen:
        events = desk.ask("And how do they dance?", conversation=first.conversation_id)
    assert isinstance(events[-1], Finished) and len(server.requests) == 4
    assert not seen


def test_open_transaction_would_be_seen(desk: Desk):
    with watching() as seen, tenant_scope(desk.person.tenant_id):
        time.sleep(LONG + 0.5)
    assert seen


def test_each_stream_keeps_its_tenant(desk: Desk, server: ChatServer, stranger: Person, tmp_path: Path):
    desks = [desk, make_desk(stranger, tmp_path / "foreign")]
    for number, one in enumerate(desks):
        one.library.add(
            "own.md", f"# Own\n\nHoney bees of zqtenant{number}zq dance for flowers of zqtenant{number}zq.\n"
        )
        with_model(one, server)

    def repeat(body: Body) -> str:
        return str(body["messages"][-1]["content"]).replace("\n", " ")

    server.otherwise = says(repeat, pause=0.02)
    callers = [make_caller(one.person) for one in desks]

    def ask(number: int) -> str:
        one = number % 2
        return str(stream(callers[one], "post", path_of(desks[one]), {"question": QUESTION}))

    with ThreadPoolExecutor(6) as threads:
        streams = list(threads.map(ask, range(6)))
    for number, text in enumerate(streams):
        assert f"zqtenant{number % 2}zq" in text and "'finished'" in text
        assert f"zqtenant{1 - number % 2}zq" not in text
