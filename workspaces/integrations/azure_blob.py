"""Azure Blob Storage."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from workspaces.integrations.base import Config, IntegrationKind, address, form, secret, text

if TYPE_CHECKING:
    from workspaces.integrations.clients.storage import Store


def endpoint(config: Config) -> str:
    return str(config.get("url") or f"https://{config['account_name']}.blob.core.windows.net")


def store(config: Config) -> Store:
    from workspaces.integrations.clients.storage import operator

    return operator(
        "azblob",
        endpoint(config),
        container=config["container"],
        root=config.get("folder", ""),
        account_name=config["account_name"],
        account_key=config.get("account_key"),
        sas_token=config.get("sas_token", "").removeprefix("?"),
        skip_signature=None if {"account_key", "sas_token"} & config.keys() else "true",
    )


def check(config: Config, tenant_id: UUID) -> str:
    from workspaces.integrations.clients.storage import try_listing

    return try_listing(store(config))


KIND = IntegrationKind(
    type="azure_blob",
    title="Azure Blob Storage",
    purpose="Files in a container of Azure.",
    documentation="connectors.md",
    check=check,
    form=form(
        ("account_name", "container"),
        account_name=text(
            "Account", "the name of the storage account", example="exampleorg", pattern=r"^[a-z0-9]{3,24}$"
        ),
        container=text(
            "Container", "the name of a container", example="reports", pattern=r"^[$a-z0-9-]{3,63}$"
        ),
        folder=text(
            "Folder", "the folder to which all else is relative; empty for the whole container", longest=1000
        ),
        account_key=secret("Account key", "one of the account's two keys; empty with a SAS token"),
        sas_token=secret("SAS token", "a shared access signature that may read and list"),
        url=address(
            "the address of the service; empty for Azure itself", "https://exampleorg.blob.core.windows.net"
        ),
    ),
)
