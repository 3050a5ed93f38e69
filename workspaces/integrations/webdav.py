"""WebDAV: Nextcloud, ownCloud and others."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from workspaces.integrations.base import Config, IntegrationKind, address, form, secret, text

if TYPE_CHECKING:
    from workspaces.integrations.clients.storage import Store


def store(config: Config) -> Store:
    from workspaces.integrations.clients.storage import operator

    return operator(
        "webdav",
        config["url"],
        root=config.get("folder", ""),
        username=config.get("username"),
        password=config.get("password"),
        token=config.get("token"),
    )


def check(config: Config, tenant_id: UUID) -> str:
    from workspaces.integrations.clients.storage import try_listing

    return try_listing(store(config))


KIND = IntegrationKind(
    type="webdav",
    title="WebDAV (Nextcloud, ownCloud)",
    purpose="Files of Nextcloud, ownCloud and other WebDAV servers.",
    documentation="connectors.md",
    check=check,
    form=form(
        ("url",),
        url=address(
            "the WebDAV address, as https://cloud.example.org/remote.php/dav/files/ada",
            "https://cloud.example.org/remote.php/dav/files/ada",
        ),
        folder=text(
            "Folder",
            "the folder to which all else is relative; empty for all",
            example="Handbooks",
            longest=1000,
        ),
        username=text("User name", "who signs in", example="ada"),
        password=secret("Password", "best a password that is made for this app only"),
        token=secret("Token", "a bearer token, instead of user name and password"),
    ),
)
