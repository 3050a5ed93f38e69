"""Many streams at once in one web process: its memory, what OYL adds to the model's time, and other requests meanwhile."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import AsyncIterator, Sequence
from statistics import quantiles
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
from django.conf import settings

from benchmarks.reports import Row
from tests.conversations.conftest import Desk, with_model
from tests.proof import killable
from tests.proof.conftest import Size
from tests.proof.connections.server import without_limits
from tests.support.api_client import make_caller
from tests.support.chat_server import Behaviour, ChatHandler, ChatServer, says
from tests.support.server import running_server

# The model thinks for so long, and then sends a word in each interval.
THINKS, PAUSE = 4.0, 0.25
STREAMS_A_SECOND, OTHERS_A_SECOND, USUAL_SECONDS, WARM_UP = 5, 20, 10, 3
MAX_MB, MAX_ADDED_MS, MAX_RATIO = 150, 80, 1.5
MB = 1 << 20
QUESTION = "How do honey bees tell where flowers are?"
TIMES = re.compile(r"reached=(\S+) sent=(\S+)")


class Load:
    """Of each stream, the seconds until its first piece that are not the model's: `before` the question has reached it,
    with the search and the reranking, and `after` it has sent the piece."""

    def __init__(self, desk: Desk, address: str, key: str) -> None:
        self._headers = {"Authorization": f"Bearer {key}"}
        self._client = httpx.AsyncClient(base_url=address, headers=self._headers, timeout=120)
        self._address, self._path = urlsplit(address), f"/api/v1/assistants/{desk.assistant.pk}/ask/"
        self.before: list[float] = []
        self.after: list[float] = []
        self.ended: list[str] = []

    async def stream(self, number: int, spread: float) -> None:
        """Ask, some time after the others."""
        await asyncio.sleep(number * spread)
        asked, name = time.monotonic(), ""
        async for event, data in self._events({"question": QUESTION, "keep": number % 2 == 0}):
            if event == "piece" and name != "piece":
                reached, sent = map(float, TIMES.search(data).groups())  # type: ignore[union-attr]
                self.before.append(reached - asked)
                self.after.append(time.monotonic() - sent)
            name = event
        self.ended.append(name)

    async def _events(self, body: dict[str, Any]) -> AsyncIterator[tuple[str, str]]:
        """By a client that costs little, because it has the processors in common with the server."""
        content, name = json.dumps({**body, "stream": True}).encode(), ""
        head = {**self._headers, "Host": "127.0.0.1", "Content-Type": "application/json"}
        lines = [
            f"POST {self._path} HTTP/1.1",
            *map(": ".join, head.items()),
            f"Content-Length: {len(content)}",
        ]
        reader, writer = await asyncio.open_connection(self._address.hostname, self._address.port, limit=MB)
        writer.write("\r\n".join([*lines, "", ""]).encode() + content)
        while (line := (await reader.readline()).decode()) != "0\r\n":
            assert line, "the response is whole"
            if line.startswith("event: "):
                name = line.removeprefix("event: ").strip()
            elif line.startswith("data: "):
                yield name, line
        writer.close()

    async def others(self, seconds: float) -> list[float]:
        """Other requests, so many a second; returns how long each took."""
        took: list[float] = []

        async def get() -> None:
            begun = time.monotonic()
            response = await self._client.get("/api/v1/workspaces/")
            assert response.status_code == 200
            took.append(time.monotonic() - begun)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(round(seconds * OTHERS_A_SECOND)):
                tasks.create_task(get())
                await asyncio.sleep(1 / OTHERS_A_SECOND)
        return took

    async def measured(self, streams: int, web: psutil.Process) -> dict[str, Any]:
        async with self._client:
            return await measure(self, streams, web)


def p95(seconds: Sequence[float]) -> float:
    return quantiles(seconds, n=20)[-1]


async def measure(load: Load, streams: int, web: psutil.Process) -> dict[str, Any]:
    """Streams begin one after another, and the first ends when all have been measured."""
    spread = 1 / STREAMS_A_SECOND
    for _ in range(WARM_UP):
        await load.stream(0, 0)  # loads models
    load.ended.clear()
    await load.others(2)
    usual, idle = await load.others(USUAL_SECONDS), web.memory_full_info().uss
    load.before.clear()
    load.after.clear()
    memory: list[int] = []
    async with asyncio.TaskGroup() as tasks:
        for number in range(streams):
            tasks.create_task(load.stream(number, spread))
        await asyncio.sleep(streams * spread + THINKS)
        meanwhile = await load.others(USUAL_SECONDS)
        memory.append(web.memory_full_info().uss)
    memory.append(web.memory_full_info().uss)
    return {
        "more": (memory[0] - idle) / MB,
        "left": (memory[1] - idle) / MB,
        "before": p95(load.before) * 1000,
        "after": p95(load.after) * 1000,
        "added": p95([sum(pair) for pair in zip(load.before, load.after, strict=True)]) * 1000,
        "usual": p95(usual) * 1000,
        "meanwhile": p95(meanwhile) * 1000,
    }


def unlimited(application: Any) -> Any:
    """The limits of one key are not what is measured."""
    settings.OYL_CONCURRENT_REQUESTS = 0
    return without_limits(application, {})


def thinks_and_says(words: int) -> Behaviour:
    """The first piece says when the request has reached the model, and when the piece was sent."""

    def behave(handler: ChatHandler) -> None:
        reached = time.monotonic()
        time.sleep(THINKS)
        first = f"reached={reached} sent={time.monotonic()} "
        says("", pieces=[first, *["word "] * words, "[1]."], pause=PAUSE)(handler)

    return behave


def web_process() -> psutil.Process:
    """The youngest child is the server that has just been forked."""
    children = psutil.Process(os.getpid()).children()
    return max(children, key=lambda one: one.create_time())


def test_many_streams_in_one_web_process(desk: Desk, settings: Any, size: Size, measured: list[Row]) -> None:
    """Clients, model and server are processes of their own, so that each waits for itself alone."""
    streams = size(20, 200)
    words = round((streams / STREAMS_A_SECOND + USUAL_SECONDS + THINKS) / PAUSE)
    with ChatServer(*[thinks_and_says(1)] * WARM_UP, otherwise=thinks_and_says(words)) as server:
        server.socket.listen(256)
        settings.OUTBOUND_ALLOW = [f"127.0.0.1:{server.server_port}"]
        with_model(desk, server)
        key, model = make_caller(desk.person).key.secret, killable.start(server.serve_forever)
        try:
            with running_server(unlimited) as address:
                load = Load(desk, address, key)
                found = asyncio.run(load.measured(streams, web_process()))
        finally:
            model.kill()
    assert load.ended == ["finished"] * streams, load.ended
    assert found["more"] < MAX_MB, found
    measured += figures(streams, found)
    print(json.dumps(found))


def figures(streams: int, found: dict[str, Any]) -> list[Row]:
    ratio = found["meanwhile"] / found["usual"]
    rows = [
        ("streams at once in one web process", streams, "200"),
        ("… its memory over that before, in MB", f"{found['more']:.0f}", f"≤ {MAX_MB}"),
        ("… after them", f"{found['left']:.0f}", "–"),
        ("… first piece after the model's own, p95 in ms", f"{found['added']:.0f}", f"≤ {MAX_ADDED_MS}"),
        ("… of it before the model is asked: search, reranking", f"{found['before']:.0f}", "–"),
        ("… of it after the model has sent it", f"{found['after']:.0f}", "–"),
        ("20 other requests a second, p95 in ms", f"{found['usual']:.1f}", "–"),
        ("… while the streams are sent", f"{found['meanwhile']:.1f}", "–"),
        ("… so many times as long", f"{ratio:.2f}", f"≤ {MAX_RATIO}"),
    ]
    return [{"What": what, "Measured": str(value), "Target": target} for what, value, target in rows]
