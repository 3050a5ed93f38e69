"""How many requests, streams and downloads may be under way at once, in each web process for itself: what they occupy,
threads and files, is the process's, too. A process that is killed leaves nothing behind."""

from __future__ import annotations

import threading
from collections import Counter
from enum import StrEnum
from typing import Any

from django.conf import settings

# All keys and people of a tenant together may have so many times as many as one.
TENANT_FACTOR = 3
SCOPE_NAME = "oyl.slots"


class Kind(StrEnum):
    REQUEST = "requests"
    STREAM = "streams"
    DOWNLOAD = "downloads"

    @property
    def limit(self) -> int:
        """Of one key, person or address; 0 is no limit."""
        return int(getattr(settings, f"OYL_CONCURRENT_{self.upper()}"))


_counts: Counter[tuple[Kind, str]] = Counter()
_lock = threading.Lock()


class Slots:
    """What one request occupies. The ASGI application releases it when the response has been sent."""

    def __init__(self) -> None:
        self._taken: list[tuple[Kind, str]] = []
        self._is_released = False

    def take(self, kind: Kind, *, subject: str, tenant: str = "") -> bool:
        """False if the subject or its tenant has as many as it may."""
        most = {(kind, subject): kind.limit}
        if tenant:
            most[kind, f"tenant {tenant}"] = kind.limit * TENANT_FACTOR
        with _lock:
            if any(limit and _counts[place] >= limit for place, limit in most.items()):
                return False
            self._add(list(most))
            return True

    def close(self) -> None:
        with _lock:
            self._is_released = True
            _counts.subtract(self._taken)
            self._taken = []
            for place in [place for place, count in _counts.items() if count <= 0]:
                del _counts[place]

    def _add(self, places: list[tuple[Kind, str]]) -> None:
        """Not if the client has gone meanwhile: then nobody would release them."""
        if not self._is_released:
            _counts.update(places)
            self._taken += places


def slots_of(request: Any) -> Slots | None:
    """None outside of the ASGI application."""
    found: Slots | None = getattr(request, "scope", {}).get(SCOPE_NAME)
    return found
