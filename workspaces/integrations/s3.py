"""Amazon S3 and what is compatible with it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from workspaces.integrations.base import Config, IntegrationKind, address, choice, form, secret, text

if TYPE_CHECKING:
    from workspaces.integrations.clients.storage import Store


def endpoint(config: Config) -> str:
    return str(config.get("url") or f"https://s3.{config.get('region', 'us-east-1')}.amazonaws.com")


def store(config: Config) -> Store:
    from workspaces.integrations.clients.storage import operator

    is_signed = "access_key_id" in config
    return operator(
        "s3",
        endpoint(config),
        bucket=config["bucket"],
        root=config.get("folder", ""),
        region=config.get("region", "us-east-1"),
        access_key_id=config.get("access_key_id"),
        secret_access_key=config.get("secret_access_key"),
        session_token=config.get("session_token"),
        enable_virtual_host_style="true" if config.get("style") == "virtual host" else None,
        skip_signature=None if is_signed else "true",
        # The operator's own credentials are none of the tenant's.
        disable_config_load="true",
        disable_ec2_metadata="true",
    )


def check(config: Config, tenant_id: UUID) -> str:
    from workspaces.integrations.clients.storage import try_listing

    return try_listing(store(config))


KIND = IntegrationKind(
    type="s3",
    title="S3 storage",
    purpose="Files in a bucket of Amazon S3, MinIO, Ceph, Cloudflare R2 and others.",
    documentation="connectors.md",
    check=check,
    form=form(
        ("bucket",),
        url=address(
            "the address of the service, as https://minio.example.org; empty for Amazon",
            "https://minio.example.org",
        ),
        bucket=text("Bucket", "the name of a bucket", example="reports", pattern=r"^[A-Za-z0-9._-]+$"),
        region=text(
            "Region",
            "a region as eu-central-1; us-east-1 if empty",
            example="eu-central-1",
            pattern=r"^[a-z0-9-]+$",
        ),
        folder=text(
            "Folder",
            "the folder to which all else is relative; empty for the whole bucket",
            example="2026/",
            longest=1000,
        ),
        access_key_id=text(
            "Access key ID", "the key's id; empty for a public bucket", example="AKIAIOSFODNN7EXAMPLE"
        ),
        secret_access_key=secret("Secret access key", "the key's secret"),
        session_token=secret("Session token", "only for temporary keys"),
        style=choice(
            "Address style",
            "whether the bucket is in the path, as most expect, or in the host name",
            ("path", "virtual host"),
        ),
    ),
)
