"""Ids as OpenAI's clients expect them: a UUID behind a prefix that names the kind of object."""

from __future__ import annotations

import re
from uuid import UUID

from django.urls import register_converter
from django.urls.converters import StringConverter

_PREFIX = re.compile(r"^[a-z]+[-_](?=[0-9a-f]{32}$)")


def as_id(prefix: str, pk: UUID) -> str:
    return f"{prefix}{pk.hex}"


def pk_of(text: str) -> UUID:
    """The UUID of an id with a prefix, or without one, as in `/api/v1/`. Raises ValueError."""
    return UUID(_PREFIX.sub("", text))


class PublicId(StringConverter):
    """A part of a URL path. A value that is no id does not match: 404."""

    def to_python(self, value: str) -> UUID:  # type: ignore[override]
        return pk_of(value)

    def to_url(self, value: UUID) -> str:  # type: ignore[override]
        return str(value)


register_converter(PublicId, "public_id")
