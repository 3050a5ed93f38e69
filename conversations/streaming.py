"""Sending an answer's events to a client while a thread of its own makes them.

The answer outlives its client for a while, so that a client that has lost its connection can go on reading the row.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, suppress

from conversations.answering.events import Event, Piece
from core.connections import give_back_connections, run_in_thread

# Whether the sender may still read is looked up this often.
LOOK_SECONDS = 1.0
# A stream is not silent for longer than this.
SILENT_SECONDS = 15.0
# An answer that nobody has read for so long is stopped; whether somebody has is looked up this often.
UNREAD_SECONDS, UNREAD_LOOK_SECONDS = 30.0, 5.0


async def streamed(
    events: Iterator[Event], *, is_allowed: Callable[[], bool], is_read: Callable[[], bool] | None
) -> AsyncIterator[Event | None]:
    """Yield the events, pieces that have come together as one, and None after each 15 seconds of silence. It ends as soon as
    it is not allowed any more, and so does the answer. When the client has gone, the answer is written until nobody has read
    it for 30 seconds, according to `is_read`; without that, it is stopped at once."""
    pump = _Pump(events, is_read)
    looked = sent = time.monotonic()
    try:
        while not pump.has_ended:
            for event in await pump.next_events(LOOK_SECONDS):
                yield event
                sent = time.monotonic()
            if (now := time.monotonic()) - looked > LOOK_SECONDS:
                looked = now
                if not await run_in_thread(is_allowed):
                    pump.stop()
                    return
            if now - sent > SILENT_SECONDS:
                sent = now
                yield None
    finally:
        pump.leave()


class _Pump:
    """Runs the events in a thread, and hands them to the event loop of its caller."""

    def __init__(self, events: Iterator[Event], is_read: Callable[[], bool] | None) -> None:
        self._events, self._is_read = events, is_read
        self._pending, self._ready = deque[Event](), asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._left_at: float | None = None
        self._is_stopped = self._is_over = False
        threading.Thread(target=self._run, name="answer", daemon=True).start()

    @property
    def has_ended(self) -> bool:
        return self._is_over and not self._pending

    async def next_events(self, seconds: float) -> list[Event]:
        """Those that have come; none if none comes within the time."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), seconds)
        self._ready.clear()
        return _joined([self._pending.popleft() for _ in range(len(self._pending))])

    def stop(self) -> None:
        """As soon as its model says something."""
        self._is_stopped = True

    def leave(self) -> None:
        self._left_at = time.monotonic()

    def _run(self) -> None:
        try:
            with closing(self._events) as events:  # type: ignore[type-var]
                for event in events:
                    if self._is_stopped or self._is_unread():
                        return
                    if self._left_at is None:
                        self._pending.append(event)
                        self._wake()
        finally:
            give_back_connections()
            self._is_over = True
            self._wake()

    def _is_unread(self) -> bool:
        """Whether the client has gone, and nobody else reads."""
        if self._left_at is None:
            return False
        if self._is_read is None:
            return True
        if time.monotonic() - self._left_at < UNREAD_SECONDS:
            return False
        self._left_at = time.monotonic() - UNREAD_SECONDS + UNREAD_LOOK_SECONDS
        return not self._is_read()

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
