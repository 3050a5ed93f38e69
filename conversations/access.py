"""Which assistants, teammates and conversations an actor may use. To be called inside a scope."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from assistants.models import Assistant, Teammate
from conversations.models import Conversation, Feedback, Message
from core.actors import Actor
from core.api.bound_rows import BoundLookups, bound_lookups_of, bound_rows
from core.errors import NotFoundError
from core.querysets import alive_above

CONVERSATION_LOOKUPS: BoundLookups = {"workspace": ("workspace",), "assistant": ("assistant",)}


def owner_of(actor: Actor) -> str:
    """Whose conversations the actor's are: the person's, also through their API keys. A key that a key has made is for
    somebody else, and has its own; so have commands."""
    return actor.credential if actor.made_by or actor.user_id is None else str(actor.user_id)


P = TypeVar("P", Assistant, Teammate)


def partner(actor: Actor, model: type[P], pk: UUID | None) -> P:
    """The assistant or teammate of the id. Raises NotFoundError, also if the actor's API key is bound to something else."""
    rows = bound_rows(actor, model.objects.filter(alive_above(model)), bound_lookups_of(model))
    found: P | None = rows.filter(pk=pk).first()
    if found is None:
        raise NotFoundError(f"There is no such {model._meta.verbose_name}.")
    return found


def own_conversations(actor: Actor) -> QuerySet[Conversation]:
    return _conversations(actor).filter(owner=owner_of(actor))


def readable_conversations(actor: Actor) -> QuerySet[Conversation]:
    """Its own ones, and those that others have shared."""
    return _conversations(actor).filter(Q(owner=owner_of(actor)) | Q(is_shared=True))


def _conversations(actor: Actor) -> QuerySet[Conversation]:
    rows = Conversation.objects.filter(alive_above(Conversation))
    return bound_rows(actor, rows, CONVERSATION_LOOKUPS)


def own_conversation(actor: Actor, pk: UUID) -> Conversation:
    """Raises NotFoundError."""
    found = own_conversations(actor).filter(pk=pk).first()
    if found is None:
        raise NotFoundError("You have no such conversation.")
    return found


def own_message(actor: Actor, pk: UUID) -> Message:
    """Raises NotFoundError."""
    return _message(own_conversations(actor), pk)


def readable_message(actor: Actor, pk: UUID) -> Message:
    """Raises NotFoundError."""
    return _message(readable_conversations(actor), pk)


def judged_message(actor: Actor, pk: UUID) -> Message:
    """One that the actor can read, or an answer that has feedback. Raises NotFoundError."""
    readable = readable_conversations(actor).values("pk")
    may_read = Q(conversation__in=readable) | Q(Exists(Feedback.objects.filter(message=OuterRef("pk"))))
    rows = Message.objects.filter(may_read, pk=pk, conversation__in=_conversations(actor))
    return _found(rows)


def _message(conversations: QuerySet[Conversation], pk: UUID) -> Message:
    return _found(Message.objects.filter(pk=pk, conversation__in=conversations))


def _found(rows: QuerySet[Message]) -> Message:
    found: Message | None = rows.select_related("conversation").first()
    if found is None:
        raise NotFoundError("There is no such message.")
    return found
