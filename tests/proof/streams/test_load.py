"""Many streams at once in one web process: its memory, what OYL adds to the model's time, and other requests meanwhile."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Sequence
from statistics import quantiles
from typing import Any

import httpx
import psutil
from django.conf import settings

from benchmarks.reports import Row
from tests.conversations.conftest import Desk, with_model
from tests.proof.conftest import Size
from tests.proof.connections.server import without_limits
from tests.support.api_client import make_caller
from tests.support.chat_server import ChatServer, says
from tests.support.server import running_server

# The model thinks for so long, and then sends a word in each interval.
THINKS, PAUSE = 4.0, 0.25
STREAMS_A_SECOND, OTHERS_A_SECOND, USUAL_SECONDS = 5, 20, 10
MAX_MB, MAX_ADDED_MS, MAX_RATIO = 150, 80, 1.5
MB = 1 << 20


class Load:
    """`added` are the seconds of each stream before its first piece, without the model's own."""

    def __init__(self, desk: Desk, address: str, key: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=address,
            headers={"Authorization": f"Bearer {key}"},
            timeout=120,
            limits=httpx.Limits(max_connections=None),
        )
        self._path = f"/api/v1/assistants/{desk.assistant.pk}/ask/"
        self.added: list[float] = []
        self.ended: list[str] = []

    async def stream(self, number: int, spread: float) -> None:
        """Ask, some time after the others."""
        await asyncio.sleep(number * spread)
        asked, name = time.monotonic(), ""
        body = {
            "question": "How do honey bees tell where flowers are?",
            "stream": True,
            "keep": number % 2 == 0,
        }
        async with self._client.stream("POST", self._path, json=body) as response:
            async for line in response.aiter_lines():
                if line == "event: piece" and name != "piece":
                    self.added.append(time.monotonic() - asked - THINKS)
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
        self.ended.append(name)

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
    for _ in range(3):
        await load.stream(0, 0)  # loads models
    load.ended.clear()
    await load.others(2)
    usual, idle = await load.others(USUAL_SECONDS), web.memory_full_info().uss
    load.added.clear()
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
        "after": (memory[1] - idle) / MB,
        "added": p95(load.added) * 1000,
        "usual": p95(usual) * 1000,
        "meanwhile": p95(meanwhile) * 1000,
    }


def unlimited(application: Any) -> Any:
    """The limits of one key are not what is measured."""
    settings.OYL_CONCURRENT_REQUESTS = 0
    return without_limits(application, {})


def web_process() -> psutil.Process:
    """The youngest child is the server that has just been forked."""
    children = psutil.Process(os.getpid()).children()
    return max(children, key=lambda one: one.create_time())


def test_many_streams_in_one_web_process(
    desk: Desk, server: ChatServer, size: Size, measured: list[Row]
) -> None:
    streams = size(20, 200)
    server.request_queue_size = 256
    server.socket.listen(256)
    words = round((streams / STREAMS_A_SECOND + USUAL_SECONDS + THINKS) / PAUSE)
    server.script.extend([says("word.")] * 3)
    server.otherwise = says("word " * words + "[1].", first_after=THINKS, pause=PAUSE)
    with_model(desk, server)
    key = make_caller(desk.person).key.secret
    with running_server(unlimited) as address:
        load = Load(desk, address, key)
        found = asyncio.run(load.measured(streams, web_process()))
    assert load.ended == ["finished"] * streams, load.ended
    assert found["more"] < MAX_MB, found
    measured += figures(streams, found)
    print(json.dumps(found))


def figures(streams: int, found: dict[str, Any]) -> list[Row]:
    ratio = found["meanwhile"] / found["usual"]
    rows = [
        ("streams at once in one web process", streams, "200"),
        ("… its memory over that before, in MB", f"{found['more']:.0f}", f"≤ {MAX_MB}"),
        ("… after them", f"{found['after']:.0f}", "–"),
        ("… first piece after the model's own, p95 in ms", f"{found['added']:.0f}", f"≤ {MAX_ADDED_MS}"),
        ("20 other requests a second, p95 in ms", f"{found['usual']:.1f}", "–"),
        ("… while the streams are sent", f"{found['meanwhile']:.1f}", "–"),
        ("… so many times as long", f"{ratio:.2f}", f"≤ {MAX_RATIO}"),
    ]
    return [{"What": what, "Measured": str(value), "Target": target} for what, value, target in rows]
