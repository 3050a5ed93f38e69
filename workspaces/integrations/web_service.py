"""A service over HTTP, which workflows call, or a webhook, which they notify: the form of its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workspaces.integrations.chat_model import HEADERS, URL

FORM: Mapping[str, Any] = {
    "type": "object",
    "writeOnly": True,
    "required": ["url"],
    "additionalProperties": False,
    "properties": {
        "url": {
            **URL,
            "description": "an address as https://api.example.com/v1, to which the paths of requests are added",
        },
        "token": {
            "type": "string",
            "pattern": "^[!-~]+$",
            "maxLength": 4000,
            "writeOnly": True,
            "description": "a token, which is sent as 'Authorization: Bearer …'",
        },
        "headers": HEADERS,
        "secret": {
            "type": "string",
            "pattern": "^(whsec_)?[A-Za-z0-9+/]{32,128}={0,2}$",
            "writeOnly": True,
            "description": "a secret of Standard Webhooks in base64, with which the calls of a webhook are signed",
        },
    },
}
