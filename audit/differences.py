"""What an event has changed, as a table: each field with its value before and after."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.template.loader import render_to_string
from django.utils.safestring import SafeString


def differences(payload: dict[str, Any], *, of: UUID | None = None) -> SafeString:
    """Empty for an event that has changed no field. Of an event about many objects, which its values name by their ids, only
    what concerns the object with the id `of`."""
    old, new = (_about(payload.get(key) or {}, str(of)) for key in ("old", "new"))
    rows = [(name.replace("_", " "), old.get(name), new.get(name)) for name in dict.fromkeys((*old, *new))]
    if not rows:
        return SafeString()
    return render_to_string("admin/audit/differences.html", {"rows": rows, "is_new": not old})


def _about(values: dict[str, Any], pk: str) -> dict[str, Any]:
    return {"this one": values[pk]} if pk in values else values
