"""The end of each tenant's chain, kept in a file outside of the database: so a tail that is cut off there is missed.

The file follows the database: it is written after the commit and never says more than is sealed.
"""

from __future__ import annotations

import hmac
import json
import os
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings

from audit.digests import key
from tenants.errors import OylError


class AuditAnchorError(OylError):
    """The file that says how far a tenant's audit log was sealed is not as OYL wrote it."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last seal of a chain; number 0 stands before the first event."""

    sequence: int
    seal: str


def path_of(tenant_id: UUID) -> Path:
    folder: Path = settings.LAYOUT.data / "audit"
    return folder / f"{tenant_id}.json"


def read(tenant_id: UUID) -> Head | None:
    """None when nothing was ever sealed (or somebody took the file away). Raises AuditAnchorError."""
    path = path_of(tenant_id)
    try:
        told = json.loads(path.read_bytes())
        head = Head(told["sequence"], told["seal"])
        authentic = hmac.compare_digest(_authenticate(tenant_id, head), told["hmac"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        authentic = False
    if not authentic:
        raise AuditAnchorError(
            f"{path} was changed: restore it from a backup, and find out who can write there."
        )
    return head


def write(tenant_id: UUID, head: Head) -> None:
    """Replace the file as a whole: a crash leaves the old one or the new one."""
    path = path_of(tenant_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    content = {"sequence": head.sequence, "seal": head.seal, "hmac": _authenticate(tenant_id, head)}
    with draft.open("w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _authenticate(tenant_id: UUID, head: Head) -> str:
    return hmac.digest(key(), f"anchor:{tenant_id}:{head.sequence}:{head.seal}".encode(), "sha256").hex()
