"""Concurrent requests of many tenants over few connections; the responses are searched for other tenants' words."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.test import RequestFactory

from knowledge.models import Document
from oyl.handler import Handler
from tests.proof.isolation.parties import Party
from tests.support.api_client import make_caller

Headers = dict[str, str]
THREADS = 32
WORD = re.compile(r"zq[0-9a-f]{10}")
LIST, FILES, SEARCH = "/api/v1/documents/", "/v1/files", "/admin/try-search/?query=zebra&mode=sparse"
PAGES = ("/admin/knowledge/document/", "/admin/workspaces/workspace/", "/admin/audit/auditlog/")


@dataclass(frozen=True, slots=True)
class Visitor:
    """A tenant's owner with a session and an API key, an own document, and another tenant's (`foreign`)."""

    word: str
    cookie: Headers
    key: Headers
    document: UUID
    foreign: UUID


def visitors_of(parties: Sequence[Party]) -> list[Visitor]:
    neighbours = [*parties[1:], parties[0]]
    return [
        Visitor(
            word=party.word,
            cookie={"cookie": f"sessionid={party.person.client.cookies['sessionid'].value}"},
            key={"authorization": f"Bearer {make_caller(party.person).key.secret}"},
            document=party.id_of(Document),
            foreign=neighbour.id_of(Document),
        )
        for party, neighbour in zip(parties, neighbours, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Received:
    status: int
    body: str


@dataclass(slots=True)
class Tally:
    """`foreign` has pairs of a visitor's word and the foreign word in the response; `unexpected` counts statuses."""

    kinds: Counter[str] = field(default_factory=Counter)
    own: int = 0
    foreign: list[tuple[str, str]] = field(default_factory=list)
    unexpected: Counter[tuple[str, int]] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        self.kinds += other.kinds
        self.own += other.own
        self.foreign += other.foreign
        self.unexpected += other.unexpected


Get = Callable[[str, str], Received]


class InProcessServer:
    """OYL's WSGI and ASGI handlers, shared by all threads as in web servers."""

    def __init__(self) -> None:
        self._wsgi: Any = WSGIHandler()
        self._asgi: Any = Handler()

    def get(self, headers: Headers, address: str, *, parts: int | None = None) -> Received:
        """Read the response, or only the first `parts` parts of it."""
        environ = RequestFactory().get(address, headers=headers).environ
        response: Any = self._wsgi(environ, lambda *_: None)
        try:
            read = (
                list(response)
                if parts is None
                else [part for part, _ in zip(response, range(parts), strict=False)]
            )
        finally:
            response.close()
        return Received(response.status_code, b"".join(read).decode(errors="replace"))

    def get_and_disconnect(self, headers: Headers, address: str, *, seconds: float) -> Received:
        """Request over ASGI, and disconnect after `seconds`."""
        return asyncio.run(self._get_and_disconnect(headers, address, seconds))

    async def _get_and_disconnect(self, headers: Headers, address: str, seconds: float) -> Received:
        path, _, query = address.partition("?")
        encoded = [
            (name.encode(), value.encode()) for name, value in {"host": "testserver", **headers}.items()
        ]
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "headers": encoded,
            "query_string": query.encode(),
        }
        messages, sent = iter([{"type": "http.request"}]), []

        async def receive() -> dict[str, Any]:
            for message in messages:
                return message
            await asyncio.sleep(seconds)
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self._asgi(scope, receive, send)
        body = b"".join(message.get("body", b"") for message in sent)
        return Received(sent[0]["status"] if sent else 0, body.decode(errors="replace"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of request: its share of 1,000 requests, its expected statuses, and the function that sends it."""

    weight: int
    statuses: set[int]
    run: Callable[[InProcessServer, Visitor, random.Random], Received]


def _at(address: str) -> Callable[[InProcessServer, Visitor, random.Random], Received]:
    return lambda server, visitor, _: server.get(
        visitor.cookie, address.format(visitor=visitor, absent=uuid4())
    )


def _by_key(address: str) -> Callable[[InProcessServer, Visitor, random.Random], Received]:
    return lambda server, visitor, _: server.get(visitor.key, address.format(visitor=visitor))


def _abandoned(address: str) -> Callable[[InProcessServer, Visitor, random.Random], Received]:
    return lambda server, visitor, chance: server.get(visitor.cookie, address, parts=chance.randrange(5))


def _cancelled(server: InProcessServer, visitor: Visitor, chance: random.Random) -> Received:
    address = chance.choice([LIST, PAGES[0], "/trouble/writes/", "/trouble/fails/", "/trouble/times_out/"])
    return server.get_and_disconnect(visitor.cookie, address, seconds=chance.random() / 20)


KINDS = {
    "API: list": Kind(weight=160, statuses={200}, run=_at(LIST)),
    "API: list, by key": Kind(weight=80, statuses={200}, run=_by_key(LIST)),
    "API: foreign document, by key": Kind(
        weight=20, statuses={404}, run=_by_key(LIST + "{visitor.foreign}/")
    ),
    "OpenAI: list, by key": Kind(weight=40, statuses={200}, run=_by_key(FILES)),
    "API: own document": Kind(weight=180, statuses={200}, run=_at(LIST + "{visitor.document}/")),
    "API: foreign document": Kind(weight=160, statuses={404}, run=_at(LIST + "{visitor.foreign}/")),
    "API: absent document": Kind(weight=40, statuses={404}, run=_at(LIST + "{absent}/")),
    "admin: list": Kind(
        weight=10, statuses={200}, run=lambda s, v, chance: s.get(v.cookie, chance.choice(PAGES))
    ),
    "admin: own document": Kind(
        weight=5, statuses={200}, run=_at("/admin/knowledge/document/{visitor.document}/change/")
    ),
    "admin: foreign document": Kind(
        weight=15, statuses={302}, run=_at("/admin/knowledge/document/{visitor.foreign}/change/")
    ),
    "search": Kind(weight=5, statuses={200}, run=_at(SEARCH)),
    "written": Kind(weight=60, statuses={200}, run=_at("/trouble/writes/")),
    "outside of a scope": Kind(weight=20, statuses={200}, run=_at("/trouble/outside/")),
    "exception": Kind(weight=40, statuses={500}, run=_at("/trouble/fails/")),
    "rolled back": Kind(weight=40, statuses={200}, run=_at("/trouble/rolls_back/")),
    "refused": Kind(weight=40, statuses={422}, run=_at("/trouble/is_refused/")),
    "statement time-out": Kind(weight=20, statuses={503}, run=_at("/trouble/times_out/")),
    "connection lost": Kind(weight=5, statuses={500}, run=_at("/trouble/breaks_the_connection/")),
    "stream, abandoned": Kind(weight=20, statuses={200}, run=_abandoned("/trouble/streams/")),
    "stream in a scope, abandoned": Kind(
        weight=10, statuses={200}, run=_abandoned("/trouble/streams_inside/")
    ),
    # Any of its addresses may have answered before.
    "cancelled": Kind(weight=30, statuses={0, 200, 500, 503}, run=_cancelled),
}


def send_requests(visitors: Sequence[Visitor], requests: int, *, seed: int) -> Tally:
    """Send requests of random kinds and visitors from THREADS threads."""
    server, tally = InProcessServer(), Tally()
    with ThreadPoolExecutor(THREADS) as threads:
        each = requests // THREADS
        for done in threads.map(lambda n: _one_thread(server, visitors, each, seed + n), range(THREADS)):
            tally.add(done)
    return tally


def _one_thread(server: InProcessServer, visitors: Sequence[Visitor], requests: int, seed: int) -> Tally:
    chance, tally = random.Random(seed), Tally()
    names, weights = [*KINDS], [kind.weight for kind in KINDS.values()]
    for name in chance.choices(names, weights, k=requests):
        visitor = chance.choice(visitors)
        answered = KINDS[name].run(server, visitor, chance)
        words = {*WORD.findall(answered.body)}
        tally.kinds[name] += 1
        tally.own += visitor.word in words
        tally.foreign += [(visitor.word, word) for word in words - {visitor.word}]
        if answered.status not in KINDS[name].statuses:
            tally.unexpected[name, answered.status] += 1
    connections.close_all()
    return tally


@contextmanager
def connected(*, size: int, **overrides: Any) -> Iterator[None]:
    """Use a connection pool of that size, and other connection settings. The threads wait long for a connection, because a
    busy machine is no fault of what is tested."""
    connection = connections["default"]
    params = connection.settings_dict
    before, pool = {**params}, params["OPTIONS"]["pool"]
    _close(connection)
    params.update(overrides)
    params["OPTIONS"] = {**params["OPTIONS"], "pool": {**pool, "max_size": size, "timeout": 300}}
    try:
        yield
    finally:
        _close(connection)
        params.clear()
        params.update(before)


def _close(connection: Any) -> None:
    connection.close()
    connection.close_pool()
