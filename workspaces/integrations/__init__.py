"""The types of integrations, one file each: its form with the secrets in it, its test of the connection, and
its documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workspaces.integrations import (
    azure_blob,
    chat_model,
    database,
    embedding,
    gcs,
    git,
    imap,
    s3,
    sftp,
    slack_webhook,
    smtp,
    teams_webhook,
    webdav,
    webhook,
)
from workspaces.integrations.base import IntegrationError, IntegrationKind

_MODULES = (
    chat_model,
    embedding,
    s3,
    azure_blob,
    gcs,
    webdav,
    sftp,
    git,
    imap,
    smtp,
    database,
    webhook,
    slack_webhook,
    teams_webhook,
)
KINDS: Mapping[str, IntegrationKind] = {module.KIND.type: module.KIND for module in _MODULES}
FORMS: Mapping[str, Mapping[str, Any]] = {name: kind.form for name, kind in KINDS.items()}

__all__ = ["FORMS", "KINDS", "IntegrationError", "IntegrationKind"]
