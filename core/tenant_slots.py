"""How many pieces of work each tenant may have at once in this process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition
from uuid import UUID

from core.errors import OylError


class TooBusyError(OylError):
    """Other requests of your organisation are under way. `Retry-After` says when to try again."""


class TenantSlots:
    """So many of each tenant. Without `wait_seconds`, the others wait for as long as it takes. A caller that must
    wait calls `before_wait` first."""

    def __init__(
        self,
        *,
        most: int,
        wait_seconds: float | None = None,
        before_wait: Callable[[], None] = lambda: None,
    ) -> None:
        self._most, self._wait_seconds, self._before_wait = most, wait_seconds, before_wait
        self._free, self._held = Condition(), Counter[UUID]()

    @contextmanager
    def hold(self, tenant_id: UUID) -> Iterator[None]:
        """Raises TooBusyError when no slot is free after the wait. Not to be called inside a scope, whose connection would
        wait, too."""
        with self._free:
            if not self._is_free(tenant_id):
                self._before_wait()
                if not self._free.wait_for(lambda: self._is_free(tenant_id), self._wait_seconds):
                    raise TooBusyError
            self._held[tenant_id] += 1
        try:
            yield
        finally:
            with self._free:
                self._held[tenant_id] -= 1
                self._held += Counter()  # without those that hold none
                self._free.notify_all()

    def _is_free(self, tenant_id: UUID) -> bool:
        return self._held[tenant_id] < self._most
