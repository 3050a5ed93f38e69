"""Files of a server that is reached by SSH."""

from __future__ import annotations

from uuid import UUID

from workspaces.integrations.base import (
    Config,
    IntegrationError,
    IntegrationKind,
    form,
    host,
    port,
    secret,
    text,
)


def check(config: Config, tenant_id: UUID) -> str:
    from workspaces.integrations.clients.sftp import connected

    with connected(config) as client:
        try:
            entries = sorted(client.listdir(config.get("folder") or "."))
        except FileNotFoundError:
            raise IntegrationError("integration_not_found", host=config["host"], what="such folder") from None
    return f"It works: the folder has {len(entries)} entries."


KIND = IntegrationKind(
    type="sftp",
    title="SFTP server",
    purpose="Files of a server that is reached by SSH.",
    documentation="connectors.md",
    check=check,
    form=form(
        ("host", "username"),
        host=host("the server's name or address", "files.example.org"),
        port=port(22),
        username=text("User name", "who signs in", example="oyl"),
        password=secret("Password", "of the user; with a private key, the key's passphrase"),
        private_key=secret("Private key", "as OpenSSH writes it, from -----BEGIN to -----END", lines=True),
        host_key=text(
            "Host key",
            "the fingerprint of the server's key, as SHA256:…; leave it empty and test the connection to see it",
            example="SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDBHyfEQ1vIuNmsWKM",
            pattern=r"^SHA256:[A-Za-z0-9+/]{43}=?$",
        ),
        folder=text(
            "Folder",
            "the folder to which all else is relative; empty for the user's own",
            example="/srv/reports",
            longest=1000,
        ),
    ),
)
