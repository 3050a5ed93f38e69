"""How many requests, streams and downloads may be under way at once, in each web process for itself: what they occupy,
threads and files, is the process's, too. A process that is killed leaves nothing behind."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
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
    UPLOAD = "uploads"

    @property
    def limit(self) -> int:
        """Of one key, person or address; 0 is no limit."""
        return int(getattr(settings, f"OYL_CONCURRENT_{self.upper()}"))


Place = tuple[Kind, str]
_counts: Counter[Place] = Counter()
_lock = threading.Lock()


class Slots:
    """What one request occupies. The ASGI application releases it when the response has been sent."""

    def __init__(self) -> None:
        self._taken: Counter[Place] = Counter()
        self._is_released = False

    def take(self, kind: Kind, *, subject: str, tenant: str = "") -> bool:
        """False if the subject or its tenant has as many as it may."""
        most = {(kind, subject): kind.limit}
        if tenant:
            most[kind, f"tenant {tenant}"] = kind.limit * TENANT_FACTOR
        return self._take(most, 1, 1)

    def take_bytes(self, count: int, most: Mapping[str, int], *, room: int = 0) -> bool:
        """Of uploads; `most` has the limit of each subject. False if there is no room for them, or for `room` bytes."""
        limits = {(Kind.UPLOAD, subject): limit for subject, limit in most.items()}
        return self._take(limits, count, max(count, room))

    def close(self) -> None:
        with _lock:
            self._is_released = True
            _counts.subtract(self._taken)
            self._taken.clear()
            for place in [place for place, count in _counts.items() if count <= 0]:
                del _counts[place]

    def _take(self, most: Mapping[Place, int], count: int, room: int) -> bool:
        with _lock:
            if any(limit and _counts[place] + room > limit for place, limit in most.items()):
                return False
            if not self._is_released:  # else the client has gone meanwhile, and nothing would release them
                _counts.update(dict.fromkeys(most, count))
                self._taken.update(dict.fromkeys(most, count))
            return True


def bytes_under_way(subject: str) -> int:
    return _counts[Kind.UPLOAD, subject]


def slots_of(request: Any) -> Slots | None:
    """None outside of the ASGI application."""
    found: Slots | None = getattr(request, "scope", {}).get(SCOPE_NAME)
    return found
