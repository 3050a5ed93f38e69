"""Marks of organisations, which distinguish those with similar names. They are made from the id, which no
organisation chooses."""

from __future__ import annotations

import hashlib
from uuid import UUID

from django.utils.html import format_html
from django.utils.safestring import SafeString


def mark_of(tenant_id: UUID) -> str:
    """The last digits, which are random: the first ones of a UUIDv7 are the time."""
    return tenant_id.hex[-6:]


def marked_name(tenant_id: UUID, name: str) -> SafeString:
    """The mark is in front, so that no name is long enough to hide it. Its colour helps only those who see it."""
    hue = int.from_bytes(hashlib.sha256(tenant_id.bytes).digest()[:2]) % 360
    mark = mark_of(tenant_id)
    return format_html(
        '<span class="oyl-mark" style="--hue: {}" title="The mark of this organisation">{}</span> {}',
        *(hue, mark, name),
    )
