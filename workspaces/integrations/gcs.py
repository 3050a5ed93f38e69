"""Google Cloud Storage."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from uuid import UUID

from workspaces.integrations.base import Config, IntegrationKind, address, form, secret, text

if TYPE_CHECKING:
    from workspaces.integrations.clients.storage import Store


def endpoint(config: Config) -> str:
    return str(config.get("url") or "https://storage.googleapis.com")


def store(config: Config) -> Store:
    from workspaces.integrations.clients.storage import operator

    key = config.get("service_account")
    return operator(
        "gcs",
        endpoint(config),
        bucket=config["bucket"],
        root=config.get("folder", ""),
        credential=base64.b64encode(key.encode()).decode() if key else None,
        skip_signature=None if key else "true",
        # The operator's own credentials are none of the tenant's.
        disable_config_load="true",
        disable_vm_metadata="true",
    )


def check(config: Config, tenant_id: UUID) -> str:
    from workspaces.integrations.clients.storage import try_listing

    return try_listing(store(config))


KIND = IntegrationKind(
    type="gcs",
    title="Google Cloud Storage",
    purpose="Files in a bucket of Google Cloud.",
    documentation="connectors.md",
    check=check,
    form=form(
        ("bucket",),
        bucket=text("Bucket", "the name of a bucket", example="reports", pattern=r"^[a-z0-9._-]+$"),
        folder=text(
            "Folder", "the folder to which all else is relative; empty for the whole bucket", longest=1000
        ),
        service_account=secret(
            "Key of a service account",
            "the JSON file that Google gives for a service account; empty for a public bucket",
            lines=True,
        ),
        url=address("the address of the service; empty for Google itself", "https://storage.googleapis.com"),
    ),
)
