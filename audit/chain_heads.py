"""The end of each tenant's chain, kept in a file outside of the database: so a tail that is cut off there is missed.

The file follows the database: it is written after the commit and never says more than is sealed.
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

from audit.digests import key, mac
from core.errors import OylError


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
    """Move the anchor forward. Sealing has ended by now, and the next one, elsewhere, may have been quicker to come
    here: its head stays. Raises AuditAnchorError."""
    path = path_of(tenant_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _only_writer(path.parent):
        present = read(tenant_id)
        if present is None or present.sequence < head.sequence:
            _replace(path, {**asdict(head), "hmac": _authenticate(tenant_id, head)})


@contextmanager
def _only_writer(folder: Path) -> Iterator[None]:
    """Among all processes and threads."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, content: dict[str, Any]) -> None:
    """As a whole: a crash leaves the old file or the new one."""
    draft = path.with_suffix(".draft")
    with draft.open("w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _authenticate(tenant_id: UUID, head: Head) -> str:
    return mac(key(), f"anchor:{tenant_id}:{head.sequence}:{head.seal}")
