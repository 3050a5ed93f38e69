"""Following the audit log while it grows, in the order of the seals: an event gets its number after it was committed, so
that none appears before one that was read already."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from audit.chain_heads import AuditAnchorError
from audit.models import AuditSeal
from audit.sealing import seal
from core.isolation.scope import tenant_scope

logger = logging.getLogger(__name__)
# What was seen so long ago is still taken to be the newest: however many clients follow a tenant's log, it is looked up
# once in this time.
SECONDS = 0.7
# Events of transactions that took longer are sealed by the periodic task.
RECENT = timedelta(seconds=10)
# So many events are looked through at a time, and so many returned.
WINDOW, LIMIT = 5_000, 200


class Tail:
    """The number of each tenant's newest event, in one process."""

    def __init__(self) -> None:
        self._seen: dict[UUID, tuple[float, int]] = {}

    def newest(self, tenant_id: UUID) -> int:
        """Outside of a scope. Seals recent events first, because the periodic task does it every 5 seconds only."""
        now = time.monotonic()
        seen = self._seen.get(tenant_id)
        if seen and now - seen[0] < SECONDS:
            return seen[1]
        self._seen = {one: seen for one, seen in self._seen.copy().items() if now - seen[0] < SECONDS}
        number = _sealed(tenant_id)
        self._seen[tenant_id] = now, number
        return number


def _sealed(tenant_id: UUID) -> int:
    try:
        seal(tenant_id, since=timezone.now() - RECENT)
    except AuditAnchorError as error:  # the periodic task logs it as an error
        logger.warning("the audit log of %s cannot be sealed, and is not followed: %s", tenant_id, error)
    with tenant_scope(tenant_id):
        return AuditSeal.objects.aggregate(last=Max("sequence"))["last"] or 0


def sealed_events(after: int, newest: int, actions: Collection[str]) -> tuple[list[AuditSeal], int]:
    """Inside a scope: events of these actions after a number, with their `audit_log`, and the number up to which these are
    all."""
    last = min(newest, after + WINDOW)
    rows = AuditSeal.objects.filter(sequence__gt=after, sequence__lte=last, audit_log__action__in=actions)
    found = list(rows.select_related("audit_log").order_by("sequence")[:LIMIT])
    return found, found[-1].sequence if len(found) == LIMIT else last


tail = Tail()
