"""Ids as OpenAI's clients expect them: a UUID behind a prefix that says of what."""

from __future__ import annotations

import re
from uuid import UUID

from django.urls.converters import StringConverter

from knowledge.models import Document

STORE, FILE, BATCH = "vs_", "file-", "vsfb_"
_OF_A_FILE = re.compile(f"{FILE}[0-9a-f]{{32}}")


def as_id(prefix: str, pk: UUID) -> str:
    return f"{prefix}{pk.hex}"


def pk_of(text: str) -> UUID:
    """With its prefix, or without, as `/api/v1/` gives it. Raises ValueError."""
    return UUID(text[-32:] if text.startswith((STORE, FILE, BATCH)) else text)


def file_id(document: Document) -> str:
    """That of the file it was made from, by which clients know it; one that came by another door has its own."""
    made = _OF_A_FILE.fullmatch(document.external_id)
    return document.external_id if made else as_id(FILE, document.pk)


class PublicId(StringConverter):
    """A part of an address. What is no id leads nowhere: 404."""

    def to_python(self, value: str) -> UUID:  # type: ignore[override]
        return pk_of(value)

    def to_url(self, value: UUID) -> str:  # type: ignore[override]
        return str(value)
