"""A room of Slack, by its incoming webhook."""

from __future__ import annotations

from workspaces.integrations.chat_rooms import room_kind


def message(text: str) -> dict[str, object]:
    return {"text": text}


KIND = room_kind("slack_webhook", "Slack room", "https://hooks.slack.com/services/…", message)
