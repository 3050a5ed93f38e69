"""Pictures of a document's pages, which are drawn from its original when people look at them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.permissions import Role
from core.storage import local_copy
from engines.parsing import ParseError
from engines.parsing.formats import BY_TYPE
from knowledge.engine_config import file_parser
from knowledge.models import Document
from knowledge.services.reading import record_document_reads


def has_pictures(document: Document) -> bool:
    """Whether pages of this type can be drawn."""
    return document.mime_type in BY_TYPE and bool(BY_TYPE[document.mime_type].drawer)


def draw_page(*, actor: Actor, document: Document, page: int) -> bytes:
    """A WebP picture of the page, from 1. To be called outside of a scope. Raises ParseError."""
    actor.require(Role.VIEWER)
    if not has_pictures(document):
        raise ParseError("no_picture")
    with tenant_scope(actor.tenant_id):
        record_document_reads(actor=actor, document_ids=[document.pk])
    try:
        with (
            local_copy(document.file_path) as path,
            tempfile.TemporaryDirectory(prefix="oyl-page-") as folder,
        ):
            drawn = file_parser().draw(
                actor.tenant_id, path, filename=document.filename, workdir=Path(folder), page=page
            )
            return drawn.read_bytes()
    except FileNotFoundError as error:
        raise ParseError("file_missing") from error
