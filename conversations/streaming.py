"""Sending an answer's events to a client while a thread of its own makes them.

The answer outlives its client for a while, so that a client that has lost its connection can go on reading the row.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing, suppress

from conversations.answering.events import Event, Piece
from conversations.running import AnswerRun
from core.connections import UNAVAILABLE, give_back_connections

# Whether the sender may still read is looked up this often.
LOOK_SECONDS = 1.0
# A stream is not silent for longer than this.
SILENT_SECONDS = 15.0
# An answer that nobody has read for so long is stopped; whether somebody has is looked up this often.
UNREAD_SECONDS, UNREAD_LOOK_SECONDS = 30.0, 5.0


async def streamed(
    answer: AnswerRun, *, is_allowed: Callable[[], Awaitable[bool]], is_read: Callable[[], bool] | None
) -> AsyncIterator[Event | None]:
    """Yield the events, pieces that have come together as one, and None after each 15 seconds of silence. It ends as soon as
    it is not allowed any more, and so does the answer. When the client has gone, the answer is written until nobody has read
    it for 30 seconds, according to `is_read`; without that, it is stopped at once."""
    pump = _Pump(answer, is_read)
    looked = sent = time.monotonic()
    try:
        while not pump.has_ended:
            for event in await pump.next_events(looked + LOOK_SECONDS - time.monotonic()):
                yield event
                sent = time.monotonic()
            if (now := time.monotonic()) - looked >= LOOK_SECONDS:
                looked = now
                if not await is_allowed():
                    answer.stop()
                    return
            if now - sent > SILENT_SECONDS:
                sent = now
                yield None
    finally:
        pump.leave()


class _Pump:
    """Makes the answer in a thread, and hands its events to the event loop of its caller."""

    def __init__(self, answer: AnswerRun, is_read: Callable[[], bool] | None) -> None:
        self._answer, self._is_read = answer, is_read
        self._pending, self._ready = deque[Event](), asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._left_at: float | None = None
        self._is_over = False
        threading.Thread(target=self._run, name="answer", daemon=True).start()

    @property
    def has_ended(self) -> bool:
        return self._is_over and not self._pending

    async def next_events(self, seconds: float) -> list[Event]:
        """Those that have come; none if none comes within the time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ready.wait()
        self._ready.clear()
        events = list[Event]()
        while self._pending:
            events.append(self._pending.popleft())
        return _joined(events)

    def leave(self) -> None:
        """The client has gone, or has all."""
        self._left_at = time.monotonic()
        if self._is_read is None:
            self._answer.stop()

    def _run(self) -> None:
        try:
            with closing(self._answer) as events:
                for event in events:
                    if self._is_unread():
                        return
                    if self._left_at is None:
                        self._pending.append(event)
                        if len(self._pending) == 1:  # else the loop is on its way
                            self._wake()
        finally:
            give_back_connections()
            self._is_over = True
            self._wake()

    def _is_unread(self) -> bool:
        """Whether the client has gone, and no other client reads, as far as this can be looked up."""
        if self._left_at is None or self._is_read is None:
            return False
        if time.monotonic() - self._left_at < UNREAD_SECONDS:
            return False
        self._left_at = time.monotonic() - UNREAD_SECONDS + UNREAD_LOOK_SECONDS
        with suppress(*UNAVAILABLE):
            return not self._is_read()
        return False

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._ready.set)


def _joined(events: list[Event]) -> list[Event]:
    joined: list[Event] = []
    for event in events:
        if isinstance(event, Piece) and joined and isinstance(joined[-1], Piece):
            joined[-1] = Piece(text=joined[-1].text + event.text)
        else:
            joined.append(event)
    return joined
