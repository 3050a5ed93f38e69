"""Reading an answer that is being written, or was: for clients that have lost their stream."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from conversations.access import readable_message
from conversations.errors import INTERRUPTED, INTERRUPTED_DETAIL
from conversations.models import Message, MessageState
from conversations.streaming import UNREAD_LOOK_SECONDS, UNREAD_SECONDS
from conversations.writer import record_end
from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.permissions import Role

# An answer whose writer has given no sign for so long is interrupted. It gives one every ten seconds.
SILENCE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`message` is the row, and `text` is what its text has after the position that was asked for."""

    message: Message
    text: str

    @property
    def is_last(self) -> bool:
        return self.message.state != MessageState.GENERATING


def follow(*, actor: Actor, message: UUID, position: int) -> Progress:
    """What is new since so many characters. An answer whose writer has died is ended. Raises NotFoundError."""
    actor.require(Role.VIEWER)
    with tenant_scope(actor.tenant_id):
        row = readable_message(actor, message)
        if row.state == MessageState.GENERATING:
            _mark_read(row)
            if end_interrupted(row.pk):
                row.refresh_from_db()
    return Progress(message=row, text=row.text[position:])


def is_read(tenant_id: UUID, message: UUID) -> bool:
    """Whether somebody has followed the answer in the last 30 seconds."""
    since = timezone.now() - timedelta(seconds=UNREAD_SECONDS)
    with tenant_scope(tenant_id):
        return bool(Message.objects.filter(pk=message, read_at__gt=since).exists())


def end_interrupted(message: UUID | None = None) -> int:
    """Inside a scope: end the answers whose writers have died, or that one alone. Returns their number."""
    rows = Message.objects.filter(state=MessageState.GENERATING, heartbeat_at__lt=timezone.now() - SILENCE)
    if message:
        rows = rows.filter(pk=message)
    silent = list(rows.select_related("conversation").select_for_update(of=("self",)))
    for row in silent:
        record_end("answer.failed", row.tenant_id, row)
    ended = Message.objects.filter(pk__in=[row.pk for row in silent])
    return int(
        ended.update(state=MessageState.ERROR, error_code=INTERRUPTED, error_detail=INTERRUPTED_DETAIL)
    )


def _mark_read(row: Message) -> None:
    due = timezone.now() - timedelta(seconds=UNREAD_LOOK_SECONDS)
    rows = Message.objects.filter(Q(read_at=None) | Q(read_at__lt=due), pk=row.pk)
    rows.filter(state=MessageState.GENERATING).update(read_at=Now())
