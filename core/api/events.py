"""Server-sent events: their format and response, and a stream that follows changes in the database."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from typing import Any, TypeVar

from django.http import StreamingHttpResponse
from rest_framework.renderers import JSONRenderer

from core.concurrency import Kind
from core.connections import UNAVAILABLE, run_in_thread

T = TypeVar("T")
MEDIA_TYPE = "text/event-stream"
# Caches and proxies must not hold back events.
STREAM_HEADERS = {"Cache-Control": "private, no-store", "X-Accel-Buffering": "no"}
# A client that wants to follow for longer connects again.
MAX_SECONDS, SILENT_SECONDS = 600.0, 15.0
# Between two looks at the state: with jitter, so that streams that began together do not look at the same moments.
POLL_SECONDS = (0.75, 1.25)


class EventsRenderer(JSONRenderer):
    """For clients that accept only events, as browsers do: events are streamed, and errors are JSON as everywhere."""

    media_type = MEDIA_TYPE


class EventStream(StreamingHttpResponse):
    kind = Kind.STREAM
    """Events are sent at once. There must be one at least every 45 seconds, as `follow` does it: proxies close connections
    that are silent, and a repetition of a request whose stream is silent is not refused."""

    def __init__(self, events: AsyncIterator[bytes]) -> None:
        super().__init__(events, content_type=MEDIA_TYPE, headers=STREAM_HEADERS)


def frame(name: str, data: Any, *, position: int | None = None) -> bytes:
    """One event; `data` is written as JSON. A client that connects again sends the last `position` as `Last-Event-ID`."""
    event = b"event: %s\ndata: %s\n\n" % (name.encode(), JSONRenderer().render(data))
    return event if position is None else b"id: %d\n%s" % (position, event)


def has_seen(headers: Mapping[str, str], position: int) -> bool:
    """Whether the client had the last event already. It then gets a 204: browsers connect again and again otherwise."""
    return headers.get("Last-Event-ID") == str(position)


def data_frame(data: Any, *, position: int | None = None) -> bytes:
    """One event without a name."""
    event = b"data: %s\n\n" % JSONRenderer().render(data)
    return event if position is None else b"id: %d\n%s" % (position, event)


def position_frame(position: int) -> bytes:
    """No event, but where to go on: clients keep the id without showing anything."""
    return b"id: %d\n\n" % position


async def looked(look: Callable[[], T]) -> T | None:
    """What a stream finds in the database; None if that is busy or away, so that the stream looks again. For how long it may
    do so, `is_still_allowed` decides, which looks there, too."""
    try:
        return await run_in_thread(look)
    except UNAVAILABLE:
        return None


async def follow(
    read: Callable[[], tuple[Any, int | None]],
    *,
    version: Callable[[], Hashable],
    is_allowed: Callable[[], Awaitable[bool]],
) -> AsyncIterator[bytes]:
    """Yield a `progress` event whenever the state has changed, and at least every 15 seconds, for up to 10 minutes. `read`
    returns (state, None), or of the last one its position, by which `has_seen` knows a client that connects again; it is
    called only when `version`, which costs less, has changed. Both open scopes of their own. The stream ends as soon as it
    is not allowed any more."""
    last, seen, sent, started = b"", None, 0.0, time.monotonic()
    position: int | None = None

    def look() -> tuple[Hashable, tuple[Any, int | None] | None]:
        current = version()
        is_due = current != seen or time.monotonic() - sent > SILENT_SECONDS
        return current, read() if is_due else None

    while position is None and time.monotonic() - started < MAX_SECONDS and await is_allowed():
        seen, changed = await looked(look) or (seen, None)
        if changed:
            state, position = changed
            event = frame("progress", state, position=position)
            if event != last or time.monotonic() - sent > SILENT_SECONDS:
                yield event
                last, sent = event, time.monotonic()
        if position is None:
            await asyncio.sleep(random.uniform(*POLL_SECONDS))  # noqa: S311
