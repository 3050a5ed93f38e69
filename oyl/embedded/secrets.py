"""The keys of an embedded instance: generated once, and stored in the data folder, readable only by its owner."""

from __future__ import annotations

import json
import os
import secrets
from base64 import urlsafe_b64encode
from pathlib import Path

NAMES = ("SECRET_KEY", "OYL_ENCRYPTION_KEYS", "OYL_AUDIT_KEY")
DATABASE_ROLES = ("oyl_owner", "oyl_app")
SERVICES = ("redis", "vectors")


def load_or_create(path: Path) -> dict[str, str]:
    """The instance's keys by setting name."""
    return _load_or_create(
        path,
        {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "OYL_ENCRYPTION_KEYS": f"k1:{urlsafe_b64encode(secrets.token_bytes(32)).decode()}",
            "OYL_AUDIT_KEY": secrets.token_urlsafe(48),
        },
    )


def database_passwords(path: Path) -> dict[str, str]:
    """The passwords of the embedded PostgreSQL's roles. Each start sets them, so that the file may be removed."""
    return _load_or_create(path, {role: secrets.token_urlsafe(32) for role in DATABASE_ROLES})


def service_passwords(path: Path) -> dict[str, str]:
    """The passwords of the other embedded services, which they read when they start."""
    return _load_or_create(path, {service: secrets.token_urlsafe(32) for service in SERVICES})


def _load_or_create(path: Path, values: dict[str, str]) -> dict[str, str]:
    """Of processes that start at the same time, the first to link its file wins."""
    if path.exists():
        return dict(json.loads(path.read_text()))
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        json.dump(values, handle, indent=2)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return dict(json.loads(path.read_text()))
