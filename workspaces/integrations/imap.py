"""Mailboxes by IMAP."""

from __future__ import annotations

from uuid import UUID

from workspaces.integrations.base import SECURITY, Config, IntegrationKind, form, host, port, secret, text


def check(config: Config, tenant_id: UUID) -> str:
    from workspaces.integrations.clients.imap import connected

    with connected(config) as box:
        names = [folder.name for folder in box.folder.list()]
    return f"It works: the mailbox has the folders {', '.join(names[:10])}."


KIND = IntegrationKind(
    type="imap",
    title="Mailbox (IMAP)",
    purpose="Mails with their attachments.",
    documentation="connectors.md",
    check=check,
    form=form(
        ("host", "username", "password"),
        host=host("the server's name or address", "imap.example.org"),
        port=port(993),
        security=SECURITY,
        username=text("User name", "who signs in, mostly the address", example="archive@example.org"),
        password=secret("Password", "best a password that is made for this app only"),
    ),
)
