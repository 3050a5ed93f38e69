"""Downloading stored files."""

from __future__ import annotations

from django.http import HttpResponseNotModified
from django.http.response import HttpResponseBase

from audit.services import record
from core.actors import Actor
from core.conditional import Headers, is_unchanged
from core.downloads import Download, etag_of
from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.errors import StoredFileMissingError
from knowledge.models import Document, StoredFile


def open_original(*, actor: Actor, owner: Document | StoredFile, headers: Headers) -> HttpResponseBase:
    """A response that streams the file, or the part that the request's headers ask for; one event in the audit log. If the
    client has the file already, it is a 304. Raises StoredFileMissingError, RangeNotSatisfiableError."""
    actor.require(Role.VIEWER)
    etag = etag_of(owner.file_path)
    if is_unchanged(headers, etag):
        return HttpResponseNotModified(headers={"ETag": etag})
    noun = "document" if isinstance(owner, Document) else "file"
    with tenant_scope(actor.tenant_id):
        record(actor=actor, action=f"{noun}.downloaded", target=owner)
    try:
        return Download(owner.file_path, filename=owner.filename, headers=headers)
    except FileNotFoundError:
        raise StoredFileMissingError from None
