"""The head of each tenant's chain, kept in a file outside of the database, so that a truncated chain is noticed.

The file follows the database: it is written after the commit and never names an event that is not sealed.
"""

from __future__ import annotations

import fcntl
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from audit.digests import keyed_hmac, mac
from core.errors import OylError


class AuditAnchorError(OylError):
    """The file that says how far a tenant's audit log was sealed is not as OYL wrote it."""


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last seal of a chain; its sequence is 0 before the first event."""

    sequence: int
    seal: str


def path_of(tenant_id: UUID) -> Path:
    folder: Path = settings.LAYOUT.data / "audit"
    return folder / f"{tenant_id}.json"


def read(tenant_id: UUID) -> ChainHead | None:
    """Return None when nothing was ever sealed, or the file was removed. Raises AuditAnchorError."""
    path = path_of(tenant_id)
    try:
        stored = json.loads(path.read_bytes())
        head = ChainHead(stored["sequence"], stored["seal"])
        is_authentic = hmac.compare_digest(_authenticate(tenant_id, head), stored["hmac"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        is_authentic = False
    if not is_authentic:
        raise AuditAnchorError(
            f"{path} was changed: restore it from a backup, and find out who can write there."
        )
    return head


def write(tenant_id: UUID, head: ChainHead) -> None:
    """Move the anchor forward. The sealing lock is released by now, so another process may have written a later head
    already: that one stays. Raises AuditAnchorError."""
    path = path_of(tenant_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _exclusive_lock(path.parent):
        current = read(tenant_id)
        if current is None or current.sequence < head.sequence:
            _write_atomically(path, {**asdict(head), "hmac": _authenticate(tenant_id, head)})


@contextmanager
def _exclusive_lock(folder: Path) -> Iterator[None]:
    """Exclude all other processes and threads."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write_atomically(path: Path, content: dict[str, Any]) -> None:
    """A crash leaves either the old file or the new one."""
    draft = path.with_suffix(".draft")
    with draft.open("w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _authenticate(tenant_id: UUID, head: ChainHead) -> str:
    return mac(keyed_hmac(), f"anchor:{tenant_id}:{head.sequence}:{head.seal}")
