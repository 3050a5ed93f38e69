"""What people think of answers."""

from __future__ import annotations

from uuid import UUID

from audit.services import save_audited, soft_delete_audited
from conversations.access import owner_of, readable_conversations, readable_message
from conversations.models import Feedback, MessageRole
from core.actors import Actor
from core.errors import InvalidError, NotFoundError
from core.isolation.scope import tenant_scope
from core.permissions import Role


def give_feedback(
    *,
    actor: Actor,
    message: UUID,
    rating: str,
    citation: int | None = None,
    reason: str = "",
    comment: str = "",
) -> Feedback:
    """On an answer, or on its citation of that number; it replaces what the actor has said before. Raises NotFoundError,
    InvalidError."""
    with tenant_scope(actor.tenant_id):
        answer = readable_message(actor, message)
        if answer.role != MessageRole.ASSISTANT:
            raise InvalidError("Only answers are rated.")
        if citation is not None and citation not in {one["number"] for one in answer.citations_json}:
            raise InvalidError("The answer has no citation of this number.")
        own = Feedback.objects.filter(message=answer, citation=citation, owner=owner_of(actor))
        row = own.first() or Feedback(message=answer, citation=citation, owner=owner_of(actor))
        row.rating, row.reason, row.comment = rating, reason, comment
        row.full_clean()
        save_audited(actor=actor, instance=row, role=Role.VIEWER)
    return row


def delete_feedback(*, actor: Actor, feedback: UUID) -> None:
    """One's own. Raises NotFoundError."""
    with tenant_scope(actor.tenant_id):
        rows = Feedback.objects.filter(message__conversation__in=readable_conversations(actor))
        row = rows.filter(pk=feedback, owner=owner_of(actor)).first()
        if row is None:
            raise NotFoundError("You have given no such feedback.")
        soft_delete_audited(actor=actor, instances=[row], role=Role.VIEWER)
