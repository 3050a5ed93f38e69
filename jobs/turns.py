"""Which tenants a worker process works for, so that none of them takes all of its threads."""

from __future__ import annotations

from collections import Counter
from threading import Lock
from uuid import UUID

from celery import current_app

from engines.singleton import Singleton


class Turns:
    """A turn is the work on one batch of a tenant. The last free thread serves only other tenants than those that keep the
    rest of them busy, so that a tenant's first job starts at once."""

    def __init__(self, threads: int) -> None:
        self._most = max(1, threads - 1)
        self._lock = Lock()
        self._under_way: Counter[UUID] = Counter()
        self._has_refused = False
        self.last: UUID | None = None

    def begin(self, tenant_id: UUID) -> bool:
        """False if the tenant has as many turns as it may."""
        with self._lock:
            if self._under_way[tenant_id] >= self._most:
                self._has_refused = True
                return False
            self._under_way[tenant_id] += 1
            return True

    def end(self, tenant_id: UUID) -> bool:
        """True if a turn was refused since the last one ended: the thread that now becomes free must be notified."""
        with self._lock:
            self._under_way[tenant_id] -= 1
            if not self._under_way[tenant_id]:
                del self._under_way[tenant_id]
            has_refused, self._has_refused = self._has_refused, False
            return has_refused


@Singleton
def turns() -> Turns:
    """Those of this process."""
    return Turns(current_app.conf.worker_concurrency)
