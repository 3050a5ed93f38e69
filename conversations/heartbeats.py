"""The heartbeats of the answers that this process writes: one thread for all of them, while there are any. A model may be
silent for longer than an answer without a heartbeat is taken for an interrupted one."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID

from django.db import Error as DatabaseError
from django.db.models.functions import Now

from conversations.models import Message, MessageState
from core.connections import give_back_connections
from core.isolation.scope import tenant_scope
from core.tenant_slots import TooBusyError

logger = logging.getLogger(__name__)
HEARTBEAT_SECONDS = 10.0
# A text is saved so often, unless so many answers are written that a process would save more often than this in a second.
SAVE_SECONDS, SAVES_A_SECOND = 0.5, 50


class Heartbeats:
    def __init__(self) -> None:
        self._changed, self._is_running = threading.Condition(), False
        self._tenants: dict[UUID, UUID] = {}  # {writer: tenant}

    @contextmanager
    def of(self, tenant_id: UUID, writer: UUID) -> Iterator[None]:
        """For the answer that the writer writes, while the block runs."""
        with self._changed:
            self._tenants[writer] = tenant_id
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="heartbeats", daemon=True).start()
        try:
            yield
        finally:
            with self._changed:
                del self._tenants[writer]
                self._changed.notify_all()

    @property
    def save_seconds(self) -> float:
        """How long an answer waits until its text is saved again."""
        return max(SAVE_SECONDS, len(self._tenants) / SAVES_A_SECOND)

    def _run(self) -> None:
        while writers := self._wait():
            for tenant_id, of_tenant in writers.items():
                _beat(tenant_id, of_tenant)

    def _wait(self) -> Mapping[UUID, Sequence[UUID]]:
        """{tenant: writers}, when the next heartbeat is due; empty as soon as there are no answers any more."""
        writers: defaultdict[UUID, list[UUID]] = defaultdict(list)
        with self._changed:
            self._is_running = not self._changed.wait_for(lambda: not self._tenants, HEARTBEAT_SECONDS)
            for writer, tenant_id in self._tenants.items():
                writers[tenant_id].append(writer)
        return writers


def _beat(tenant_id: UUID, writers: Sequence[UUID]) -> None:
    try:
        with tenant_scope(tenant_id):
            rows = Message.objects.filter(writer__in=writers, state=MessageState.GENERATING)
            rows.update(heartbeat_at=Now())
    except (DatabaseError, TooBusyError) as error:
        logger.warning("no heartbeat: %s", error)
    finally:
        give_back_connections()


heartbeats = Heartbeats()
