"""What rooms of Slack and Microsoft Teams share: they take messages at an address of their own, which is the secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from uuid import UUID

from workspaces.integrations.base import Config, IntegrationKind, address, form, send

HELLO = "OYL is connected to this room."


def room_kind(
    name: str, title: str, example: str, message: Callable[[str], dict[str, object]]
) -> IntegrationKind:
    """`message` makes the body of a request of a text."""

    def check(config: Config, tenant_id: UUID) -> str:
        body = json.dumps(message(HELLO)).encode()
        send("POST", config["url"], {"Content-Type": "application/json"}, body)
        return f"It works: the room has been sent “{HELLO}”"

    return IntegrationKind(
        type=name,
        title=title,
        purpose="Tells a room what happens, in a sentence.",
        documentation="webhooks.md",
        check=check,
        form=form(("url",), url=address("the address that the room's webhook has", example, is_secret=True)),
    )
