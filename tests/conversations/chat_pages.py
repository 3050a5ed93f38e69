"""The chat page through Django's client."""

from __future__ import annotations

from django.test import Client

from conversations.answering.events import FinishedReply

CHAT = "/admin/chat/"


def page(client: Client, *panes: str, **parameters: str) -> str:
    response = client.get(CHAT, {"pane": list(panes), **parameters})
    assert response.status_code == 200, response.content
    return response.content.decode()


def conversation(reply: FinishedReply) -> str:
    return f"conversation:{reply.conversation_id}"
