"""A chat model behind an OpenAI-compatible endpoint: the form of its configuration, and what is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from core.outbound import AllowList
from engines.chat import ChatEndpointConfig

_SECONDS = {"type": "number", "minimum": 1, "maximum": 3600}
_HEADER_NAME = "^[A-Za-z0-9-]{1,64}$"
URL: Mapping[str, Any] = {
    "type": "string",
    "pattern": r"^https?://[^\s/?#@]+[^\s?#@]*$",
    "maxLength": 2000,
    "writeOnly": True,  # it may contain a password
}
HEADERS: Mapping[str, Any] = {
    "type": "object",
    "maxProperties": 20,
    "propertyNames": {
        "pattern": _HEADER_NAME,
        "description": "a name of a header, as OpenAI-Organization",
    },
    "additionalProperties": {"type": "string", "maxLength": 1000, "writeOnly": True},
    "description": 'an object of at most 20 headers, as {"OpenAI-Organization": "org-1"}',
}
FORM: Mapping[str, Any] = {
    "type": "object",
    "writeOnly": True,
    "required": ["url", "model"],
    "additionalProperties": False,
    "properties": {
        "url": {
            **URL,
            "description": "an address as https://api.openai.com/v1, to which /chat/completions is added",
        },
        "api_key": {"type": "string", "maxLength": 4000, "writeOnly": True},
        "model": {"type": "string", "minLength": 1, "maxLength": 255},
        "context_tokens": {"type": "integer", "minimum": 512, "maximum": 10_000_000},
        "headers": HEADERS,
        "first_seconds": _SECONDS,
        "between_seconds": _SECONDS,
        "total_seconds": _SECONDS,
    },
}


def endpoint_config(config: Mapping[str, Any], model: str = "") -> ChatEndpointConfig:
    """`config` has the form; `model` replaces the one that it names."""
    plain = {name: value for name, value in config.items() if name not in ("url", "headers", "model")}
    return ChatEndpointConfig(
        **plain,
        url=config["url"].rstrip("/").removesuffix("/chat/completions"),
        model=model or config["model"],
        headers=tuple((name.lower(), value) for name, value in config.get("headers", {}).items()),
        allow=AllowList.parse(settings.OUTBOUND_ALLOW),
    )
