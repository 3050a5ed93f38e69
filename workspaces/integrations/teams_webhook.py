"""A room of Microsoft Teams, by a webhook of its workflows."""

from __future__ import annotations

from workspaces.integrations.chat_rooms import room_kind


def message(text: str) -> dict[str, object]:
    """An adaptive card."""
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "TextBlock", "text": text, "wrap": True}],
    }
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [content]}


KIND = room_kind("teams_webhook", "Teams room", "https://example.webhook.office.com/webhookb2/…", message)
