"""An embedding model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import json
from uuid import UUID

from workspaces.integrations.base import (
    Config,
    IntegrationError,
    IntegrationKind,
    address,
    form,
    host_of,
    secret,
    send,
    text,
)


def check(config: Config, tenant_id: UUID) -> str:
    url = f"{config['url'].rstrip('/').removesuffix('/embeddings')}/embeddings"
    key = {"Authorization": f"Bearer {config['api_key']}"} if config.get("api_key") else {}
    body = json.dumps({"model": config["model"], "input": ["Does it work?"]}).encode()
    answer = send("POST", url, {"Content-Type": "application/json", **key}, body)
    try:
        length = len(json.loads(answer.body)["data"][0]["embedding"])
    except (ValueError, KeyError, IndexError, TypeError):
        raise IntegrationError(
            "integration_refused", host=host_of(url), reason="it does not answer as /v1/embeddings does"
        ) from None
    return f"It works: '{config['model']}' has answered with a vector of {length} numbers."


KIND = IntegrationKind(
    type="embedding",
    title="Embedding model (OpenAI-compatible)",
    purpose="A model that makes vectors of texts, at OpenAI, vLLM, Ollama, TEI and others.",
    documentation="connectors.md",
    check=check,
    form=form(
        ("url", "model"),
        url=address(
            "an address as https://api.openai.com/v1, to which /embeddings is added",
            "https://api.openai.com/v1",
        ),
        model=text("Model", "the model's name", example="text-embedding-3-small"),
        api_key=secret("API key", "is sent as a bearer token"),
    ),
)
