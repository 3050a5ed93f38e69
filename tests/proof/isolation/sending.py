"""The intruder's requests: one function for all methods."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

# What the forms expect: a confirmation, a dialog's button, tags.
CONFIRMED = {"post": "yes", "_form_submitted": "True", "add": "spy", "remove": "spy"}
METHODS = ("GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")


def send(client: Client, method: str, address: str, data: dict[str, Any] | None = None) -> Any:
    client.cookies.pop("messages", None)  # of earlier requests
    body = CONFIRMED if data is None else data
    if method in ("GET", "HEAD"):
        return client.generic(method, address) if data is None else client.get(address, data)
    if method == "POST":
        _rewind(body)
        return client.post(address, body)
    return client.generic(method, address, json.dumps(body), content_type="application/json")


def _rewind(body: dict[str, Any]) -> None:
    """The files may have been read by an earlier request."""
    for value in body.values():
        for file in value if isinstance(value, list) else ():
            if hasattr(file, "seek"):
                file.seek(0)
