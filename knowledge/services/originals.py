"""Downloading stored files."""

from __future__ import annotations

from audit.services import record
from core.actors import Actor
from core.downloads import Download
from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.errors import StoredFileMissingError
from knowledge.models import Document, StoredFile


def open_original(*, actor: Actor, owner: Document | StoredFile) -> Download:
    """A response that streams the file; one event in the audit log. Raises StoredFileMissingError."""
    actor.require(Role.VIEWER)
    noun = "document" if isinstance(owner, Document) else "file"
    with tenant_scope(actor.tenant_id):
        record(actor=actor, action=f"{noun}.downloaded", target=owner)
    try:
        return Download(owner.file_path, filename=owner.filename)
    except FileNotFoundError:
        raise StoredFileMissingError from None
