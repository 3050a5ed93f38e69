"""Saving the answers that this process writes: one thread saves the texts of all, while there are any, and learns which of
them have been ended by a person or a sweep, also while their models are silent."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from conversations.models import Message, MessageState
from conversations.writer import RowWriter
from core.bulk_sql import update_rows
from core.connections import give_back_connections
from core.isolation.scope import tenant_scope
from core.isolation.time_limits import TimeLimits, time_limits

logger = logging.getLogger(__name__)
# Texts are saved so often, unless so many tenants' answers are written that there would be more transactions in a second.
SAVE_SECONDS, TENANTS_A_SECOND = 0.5, 50
# The row of an answer without a new text gets a sign of life so often.
HEARTBEAT_SECONDS = 10.0
# The thread takes no turn among the requests of a tenant, and waits for none of them: all other answers wait for it.
LIMITS = TimeLimits(statement=5, lock=1, idle=5)


@dataclass(slots=True, eq=False)
class _Draft:
    writer: RowWriter
    ended: Callable[[], None]
    length: int = 0
    saved: float = field(default_factory=time.monotonic)

    @property
    def is_due(self) -> bool:
        return len(self.writer.text) > self.length or time.monotonic() - self.saved > HEARTBEAT_SECONDS

    def note_saved(self, text: str) -> None:
        self.length, self.saved = len(text), time.monotonic()


class Saver:
    def __init__(self) -> None:
        self._changed, self._is_running = threading.Condition(), False
        self._drafts: set[_Draft] = set()

    @contextmanager
    def of(self, writer: RowWriter, ended: Callable[[], None]) -> Iterator[None]:
        """Save the text while the block runs; `ended` is called as soon as the answer has been ended elsewhere."""
        draft = _Draft(writer, ended)
        with self._changed:
            self._drafts.add(draft)
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="saver", daemon=True).start()
        try:
            yield
        finally:
            with self._changed:
                self._drafts.remove(draft)
                self._changed.notify_all()

    def _run(self) -> None:
        while drafts := self._wait():
            for tenant_id, of_tenant in drafts.items():
                _save(tenant_id, of_tenant)

    def _wait(self) -> Mapping[UUID, Sequence[_Draft]]:
        """{tenant: drafts}, when it is time to save them; empty as soon as there are none any more."""
        drafts: defaultdict[UUID, list[_Draft]] = defaultdict(list)
        with self._changed:
            tenants = len({draft.writer.tenant_id for draft in self._drafts})
            seconds = max(SAVE_SECONDS, tenants / TENANTS_A_SECOND)
            self._is_running = not self._changed.wait_for(lambda: not self._drafts, seconds)
            for draft in self._drafts:
                drafts[draft.writer.tenant_id].append(draft)
        return drafts


def _save(tenant_id: UUID, drafts: Sequence[_Draft]) -> None:
    """What cannot be saved now is saved the next time."""
    by_row = {draft.writer.pk: draft for draft in drafts}
    try:
        with time_limits(LIMITS), tenant_scope(tenant_id):
            alive = set(_generating(drafts).values_list("pk", flat=True))
            texts = _save_texts([by_row[pk] for pk in alive if by_row[pk].is_due])
    except Exception:
        logger.exception("the texts of %d answers were not saved", len(drafts))
        return
    finally:
        give_back_connections()
    for pk, text in texts.items():
        by_row[pk].note_saved(text)
    for pk in by_row.keys() - alive:
        by_row[pk].ended()


def _generating(drafts: Iterable[_Draft]) -> QuerySet[Message]:
    tokens = [draft.writer.token for draft in drafts]
    return Message.objects.filter(writer__in=tokens, state=MessageState.GENERATING)


def _save_texts(drafts: Sequence[_Draft]) -> dict[UUID, str]:
    """{row: text} of those that were saved; locked rows are passed over, because their transactions may wait for others."""
    free = set(_generating(drafts).select_for_update(skip_locked=True).values_list("pk", flat=True))
    texts = {draft.writer.pk: draft.writer.text for draft in drafts if draft.writer.pk in free}
    now = timezone.now()
    update_rows(Message, [{"id": pk, "text": text, "heartbeat_at": now} for pk, text in texts.items()])
    return texts


saver = Saver()
