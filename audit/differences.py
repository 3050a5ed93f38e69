"""What an event has changed, as a table: each field with its value before and after."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString


def differences(payload: dict[str, Any]) -> SafeString:
    """Empty for an event that has changed no field."""
    old, new = payload.get("old") or {}, payload.get("new") or {}
    rows = [(name.replace("_", " "), old.get(name), new.get(name)) for name in dict.fromkeys((*old, *new))]
    if not rows:
        return SafeString()
    return render_to_string("admin/audit/differences.html", {"rows": rows, "is_new": not old})
