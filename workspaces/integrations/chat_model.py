"""A chat model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from engines import chat
from engines.chat import ChatEndpointConfig, ChatRequest, Message, Sampling
from workspaces.integrations.base import (
    TEST_SECONDS,
    Config,
    IntegrationKind,
    address,
    allow_list,
    form,
    secret,
)

QUESTION = ChatRequest(
    messages=[Message(role=chat.Role.USER, text="Answer with one word: does it work?")],
    sampling=Sampling(max_tokens=64),
)
HEADERS: Mapping[str, Any] = {
    "type": "object",
    "maxProperties": 20,
    "writeOnly": True,
    "propertyNames": {
        "pattern": "^[A-Za-z0-9-]{1,64}$",
        "description": "a name of a header, as OpenAI-Organization",
    },
    "additionalProperties": {"type": "string", "maxLength": 1000, "writeOnly": True},
    "title": "Headers",
    "description": 'an object of at most 20 headers, as {"OpenAI-Organization": "org-1"}',
}


def _seconds(title: str, default: int) -> Mapping[str, Any]:
    return {"type": "number", "minimum": 1, "maximum": 3600, "title": f"{title} ({default})"}


def endpoint_config(config: Config, model: str = "") -> ChatEndpointConfig:
    """`config` has the form; `model` replaces the one that it names."""
    plain = {name: value for name, value in config.items() if name not in ("url", "headers", "model")}
    return ChatEndpointConfig(
        **plain,
        url=config["url"].rstrip("/").removesuffix("/chat/completions"),
        model=model or config["model"],
        headers=tuple((name.lower(), value) for name, value in config.get("headers", {}).items()),
        allow=allow_list(),
    )


def check(config: Config, tenant_id: UUID) -> str:
    """Ask the model something. Raises ChatError."""
    begin = time.monotonic()
    limited = replace(endpoint_config(config), first_seconds=TEST_SECONDS, total_seconds=TEST_SECONDS)
    reply = chat.get_chat_model(limited).complete(tenant_id, QUESTION)
    return f"'{reply.model}' has answered within {time.monotonic() - begin:.1f} s."


KIND = IntegrationKind(
    type="chat_model",
    title="Chat model (OpenAI-compatible)",
    purpose="A model that writes answers, at OpenAI, Azure, vLLM, Ollama, LiteLLM and others.",
    documentation="chat-models.md",
    check=check,
    form=form(
        ("url", "model"),
        url=address(
            "an address as https://api.openai.com/v1, to which /chat/completions is added",
            "https://api.openai.com/v1",
        ),
        api_key={
            key: value
            for key, value in secret("API key", "").items()
            if key not in ("description", "minLength")
        },
        model={"type": "string", "minLength": 1, "maxLength": 255, "examples": ["gpt-5-mini"]},
        context_tokens={
            "type": "integer",
            "minimum": 512,
            "maximum": 10_000_000,
            "title": "Tokens that it reads and writes together (8192)",
        },
        headers=HEADERS,
        first_seconds=_seconds("Seconds until the answer begins", 60),
        between_seconds=_seconds("Seconds of the longest pause within it", 30),
        total_seconds=_seconds("Seconds until it is complete", 600),
    ),
)
