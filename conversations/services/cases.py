"""Answers as cases of evaluation sets."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from conversations.access import judged_message
from conversations.models import Message, MessageRole
from core.actors import Actor
from core.errors import ForbiddenError, InvalidError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.models import Document, EvaluationCase
from knowledge.services.evaluation_sets import add_evaluation_case


def save_as_case(*, actor: Actor, message: UUID, evaluation_set: UUID | None = None) -> EvaluationCase:
    """The answer's question, with the documents that the answer cites: they can be corrected in the case. Raises
    NotFoundError, InvalidError, ForbiddenError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        answer = judged_message(actor, message)
        if not actor.may("knowledge", writes=True):
            raise ForbiddenError("Your key lacks the scope 'knowledge:write'.")
        if answer.role != MessageRole.ASSISTANT or answer.parent is None:
            raise InvalidError("Only answers are saved as cases.")
        return add_evaluation_case(
            actor=actor,
            workspace_id=answer.conversation.workspace_id,
            evaluation_set=evaluation_set,
            question=answer.parent.text,
            expected=_cited(answer),
            source_message=answer.pk,
        )


def _cited(answer: Message) -> list[dict[str, Any]]:
    """Each document that is still there, with the page that is cited first."""
    pages: dict[str, int | None] = {}
    for citation in answer.citations_json:
        pages.setdefault(citation["document"], citation["page"])
    workspace_id = answer.conversation.workspace_id
    rows = Document.objects.filter(pk__in=pages, reference__workspace=workspace_id)
    there = set(map(str, rows.values_list("pk", flat=True)))
    return [{"document": pk, "page": page} for pk, page in pages.items() if pk in there]
