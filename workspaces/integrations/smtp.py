"""Sending mails by SMTP."""

from __future__ import annotations

from uuid import UUID

from workspaces.integrations.base import SECURITY, Config, IntegrationKind, form, host, port, secret, text


def check(config: Config, tenant_id: UUID) -> str:
    from workspaces.integrations.clients.smtp import connected

    with connected(config) as client:
        client.noop()
    return f"It works: '{config['host']}' would take mails from {config['sender']}. Nothing was sent."


KIND = IntegrationKind(
    type="smtp",
    title="Mail server (SMTP)",
    purpose="Sends mails in your organisation's name.",
    documentation="connectors.md",
    check=check,
    form=form(
        ("host", "sender"),
        host=host("the server's name or address", "smtp.example.org"),
        port=port(465),
        security=SECURITY,
        username=text(
            "User name", "who signs in; empty if the server asks for none", example="oyl@example.org"
        ),
        password=secret("Password", "of the user"),
        sender=text(
            "Sender",
            "the address that mails come from",
            example="oyl@example.org",
            pattern=r"^[^@\s<>]+@[^@\s<>]+$",
        ),
    ),
)
