"""Reading streamed answers of Django's test client."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync


def parts_of(response: Any) -> list[bytes]:
    """All parts, until the stream ends."""
    if not response.is_async:
        return list(response.streaming_content)

    async def read() -> list[bytes]:
        return [part async for part in response.streaming_content]

    return async_to_sync(read)()
