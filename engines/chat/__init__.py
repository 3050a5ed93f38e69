"""The port of chat models: messages in, text or calls of tools out, as a stream."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

from core.errors import EngineError
from core.outbound import AllowList


class ChatError(EngineError):
    """The model did not answer, or not to the end. `retry_after` is how many seconds the endpoint asks to wait."""

    retry_after = 0.0


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """`arguments` is the JSON that the model wrote, which may be invalid."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message of the role `tool` has the result of the call `tool_call_id`."""

    role: Role
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """`parameters` is a JSON Schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the model chooses its words; None leaves it to the model. `max_tokens` limits the answer."""

    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    reasoning_effort: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """`json_schema` is the form that the answer must have."""

    messages: Sequence[Message]
    tools: Sequence[Tool] = ()
    json_schema: Mapping[str, Any] | None = None
    sampling: Sampling = Sampling()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUsage:
    """Estimated with `ChatModel.count_tokens` where the endpoint does not say it, or says what cannot be."""

    prompt_tokens: int
    completion_tokens: int
    is_estimated: bool = False


class FinishReason(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    FILTERED = "content_filter"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    """`model` is the one that answered, which may be the fallback."""

    text: str
    model: str
    usage: TokenUsage
    finish_reason: FinishReason
    tool_calls: tuple[ToolCall, ...] = ()


class ChatStream(Iterator[str | ChatReply], Protocol):
    """An iterator over the pieces of the answer's text, as they arrive, and the whole reply at last."""

    def close(self) -> None:
        """End the request to the model at once. Another thread may call it while a step waits, which then ends the
        iteration within half a second."""
        ...


class ChatModel(Protocol):
    """Thread-safe. `context_tokens` limits the messages and the answer together."""

    model: str
    context_tokens: int

    def stream(self, tenant_id: UUID, request: ChatRequest) -> ChatStream:
        """Send the request at the first step. Steps raise ChatError; attempts before the first piece are repeated as its
        policy says, and then the fallback is asked."""
        ...

    def complete(self, tenant_id: UUID, request: ChatRequest) -> ChatReply:
        """Raises ChatError."""
        ...

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """An estimate that is rather too high than too low, where the model's own tokenizer is not known."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatEndpointConfig:
    """An OpenAI-compatible endpoint; `url` ends before `/chat/completions`. `allow` has the addresses that it may have
    besides public ones. `headers` are sent with each request, such as an organisation's. All times are in seconds: until
    the first piece, between two pieces, and of it all. `fallback` is asked where this one does not answer."""

    url: str
    model: str
    api_key: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    allow: AllowList = field(default_factory=AllowList)
    context_tokens: int = 8192
    first_seconds: float = 60.0
    between_seconds: float = 30.0
    total_seconds: float = 600.0
    fallback: ChatEndpointConfig | None = None


# Tenants make and change configurations: those that are no longer used must not stay.
@lru_cache(maxsize=1000)
def get_chat_model(config: ChatEndpointConfig) -> ChatModel:
    """Return the process's chat model for this configuration."""
    from engines.chat.openai_compatible import OpenAICompatibleModel

    return OpenAICompatibleModel(config)


def model_names(config: ChatEndpointConfig) -> list[str]:
    """The models that the endpoint lists, in its order. Raises ChatError."""
    from engines.chat.endpoint import Endpoint

    return Endpoint(config).model_names()


# Connections and locks do not survive a fork.
os.register_at_fork(after_in_child=get_chat_model.cache_clear)
