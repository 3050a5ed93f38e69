"""Renaming, sharing, deleting and exporting conversations."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from audit.services import record, save_audited, soft_delete_audited
from conversations.access import own_conversation, readable_conversations
from conversations.models import Conversation, Message, MessageRole
from core.actors import Actor
from core.errors import NotFoundError
from core.isolation.scope import tenant_scope
from core.permissions import Role

# Of Markdown and HTML: a name that a document brings could be an image.
SYNTAX = re.compile(r"[\\`*\[\]<>!&|]")


def change_conversation(
    *, actor: Actor, conversation: UUID, title: str | None = None, is_shared: bool | None = None
) -> Conversation:
    """Raises NotFoundError."""
    with tenant_scope(actor.tenant_id):
        row = own_conversation(actor, conversation)
        row.title = row.title if title is None else title
        row.is_shared = row.is_shared if is_shared is None else is_shared
        row.full_clean()
        save_audited(actor=actor, instance=row, role=Role.VIEWER)
    return row


def delete_conversation(*, actor: Actor, conversation: UUID) -> None:
    """With its messages, traces and feedback, for good. Raises NotFoundError."""
    with tenant_scope(actor.tenant_id):
        row = own_conversation(actor, conversation)
        soft_delete_audited(actor=actor, instances=[row], role=Role.VIEWER)


def export_conversation(*, actor: Actor, conversation: UUID) -> tuple[Conversation, list[Message]]:
    """The conversation with all of its messages, the oldest first. Raises NotFoundError."""
    actor.require(Role.VIEWER)
    with tenant_scope(actor.tenant_id):
        row = readable_conversations(actor).filter(pk=conversation).first()
        if row is None:
            raise NotFoundError("There is no such conversation.")
        messages = list(Message.objects.filter(conversation=row).order_by("created_at", "pk"))
        record(actor=actor, action="conversation.exported", target=row, workspace_id=row.workspace_id)
    return row, messages


def as_markdown(conversation: Conversation, messages: list[Message]) -> str:
    """Each answer is followed by its sources."""
    parts = [f"# {conversation.title}"]
    for message in messages:
        if message.role == MessageRole.USER:
            parts.append("\n".join(f"> {line}" for line in message.text.splitlines()))
        else:
            parts += [message.text or f"({message.error_detail or message.state})", *_sources(message)]
    return "\n\n".join(parts) + "\n"


def _sources(message: Message) -> list[str]:
    lines = [_source(citation) for citation in message.citations_json]
    lines += [f"- [{table['number']}] `{' '.join(table['sql'].split())}`" for table in message.tables_json]
    return ["\n".join(lines)] if lines else []


def _source(citation: dict[str, Any]) -> str:
    page = f"page {citation['page']}" if citation["page"] else ""
    names = filter(None, [citation["filename"], page, *citation["heading"]])
    return f"- [{citation['number']}] " + " › ".join(
        SYNTAX.sub(r"\\\g<0>", " ".join(name.split())) for name in names
    )
