"""The order in which documents change, for programs that keep a copy of them. To be called inside a scope.

Each document has the number of the transaction that last wrote it. All transactions below the horizon have ended, so that no
change can still come before it: docs/decisions/0038-changes-in-the-order-of-transactions.md.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from knowledge.models import Document

# A server and its timeline: another one gives other numbers to transactions, or the same ones again.
HORIZON = """
SELECT pg_snapshot_xmin(now)::text::bigint, pg_snapshot_xmax(now)::text::bigint,
    to_hex((SELECT system_identifier FROM pg_control_system())) || '-' || (SELECT timeline_id FROM pg_control_checkpoint())
FROM pg_current_snapshot() AS now
"""
FIRST = UUID(int=0)
MAX_RENUMBERED = 10_000


class OutdatedPositionError(ValueError):
    """The position was given by another database server, or by this one before it was restored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """Transactions below `end` have ended; there is none at or above `next` yet."""

    end: int
    next: int
    server: str

    @property
    def position(self) -> Position:
        """After all changes of transactions that have ended."""
        return Position(self.server, self.end)


@dataclass(frozen=True, slots=True)
class Position:
    """After the change of `document` by the transaction `number`."""

    server: str
    number: int = 0
    document: UUID = FIRST

    def __str__(self) -> str:
        text = f"{self.server}.{self.number}.{self.document.hex}"
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, horizon: Horizon) -> Position:
        """Raises OutdatedPositionError, and ValueError for what is no position."""
        server, number, document = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(".")
        position = cls(server, int(number), UUID(hex=document))
        if server != horizon.server or position.number > horizon.next:
            raise OutdatedPositionError
        return position


def current_horizon() -> Horizon:
    with connection.cursor() as cursor:
        cursor.execute(HORIZON)
        end, following, server = cursor.fetchone()
    return Horizon(end=end, next=following, server=server)


def changed_documents(
    since: Position, horizon: Horizon, references: Sequence[UUID] | None
) -> QuerySet[Document]:
    """Deleted ones, too, and those that were moved out of the `references`; all of them if that is None. The order is that
    of their last changes."""
    later = Q(changed_in__gt=since.number) | Q(changed_in=since.number, pk__gt=since.document)
    rows = Document.with_deleted.filter(later, changed_in__gte=since.number, changed_in__lt=horizon.end)
    if references is not None:
        rows = rows.filter(Q(reference__in=references) | Q(left_references__overlap=[*references]))
    found: QuerySet[Document] = rows.order_by("changed_in", "pk")
    return found


def renumber_restored(horizon: Horizon) -> bool:
    """Whether there were documents with numbers that this server has yet to give: it was restored from a dump of another
    one. They count as changed now."""
    restored = Document.with_deleted.filter(changed_in__gte=horizon.next).order_by("pk")
    ids = list(restored.values_list("pk", flat=True)[:MAX_RENUMBERED])
    return bool(ids) and bool(Document.with_deleted.filter(pk__in=ids).update())
