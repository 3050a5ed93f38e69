"""A service over HTTP, which workflows call, or a webhook, which is told what happens."""

from __future__ import annotations

from uuid import UUID

from workspaces.integrations.base import Config, IntegrationKind, address, form, host_of, send
from workspaces.integrations.chat_model import HEADERS


def check(config: Config, tenant_id: UUID) -> str:
    token = {"Authorization": f"Bearer {config['token']}"} if config.get("token") else {}
    answer = send("HEAD", config["url"], {**token, **config.get("headers", {})}, passes=(404, 405))
    return f"'{host_of(config['url'])}' answers, with the status {answer.status}. Nothing was sent to it."


KIND = IntegrationKind(
    type="webhook",
    title="Web service or webhook (HTTP)",
    purpose="A service that workflows call, or that is told what happens, signed after Standard Webhooks.",
    documentation="webhooks.md",
    check=check,
    form=form(
        ("url",),
        url=address(
            "an address as https://api.example.com/v1, to which the paths of requests are added",
            "https://api.example.com/v1",
            is_secret=True,
        ),
        token={
            "type": "string",
            "pattern": "^[!-~]+$",
            "maxLength": 4000,
            "writeOnly": True,
            "title": "Token",
            "description": "a token, which is sent as 'Authorization: Bearer …'",
        },
        headers=HEADERS,
        secret={
            "type": "string",
            "pattern": "^(whsec_)?[A-Za-z0-9+/]{32,128}={0,2}$",
            "writeOnly": True,
            "title": "Signing secret",
            "description": "a secret of Standard Webhooks in base64, with which the calls of a webhook are signed",
        },
    ),
)
