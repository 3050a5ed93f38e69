"""The body of a request to `/chat/completions`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from engines.chat import ChatRequest, Message, Role, Sampling, Tool


def request_body(model: str, request: ChatRequest) -> dict[str, Any]:
    body: dict[str, Any] = {"model": model, "messages": list(map(_message, request.messages)), "stream": True}
    body |= _sampling(request.sampling) | {"stream_options": {"include_usage": True}}
    if request.tools:
        body["tools"] = list(map(_tool, request.tools))
    if request.json_schema is not None:
        form = {"name": "answer", "schema": dict(request.json_schema), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def _message(message: Message) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": str(message.role), "content": message.text}
    if message.role is Role.TOOL:
        sent["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        sent["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    return sent


def _tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


def _sampling(sampling: Sampling) -> dict[str, Any]:
    """Models that reason have another name for the limit of tokens."""
    limit = "max_completion_tokens" if sampling.reasoning_effort else "max_tokens"
    values = {
        "temperature": sampling.temperature,
        limit: sampling.max_tokens,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "stop": list(sampling.stop) or None,
        "reasoning_effort": sampling.reasoning_effort,
    }
    return {name: value for name, value in values.items() if value is not None}


# Parameters that some endpoints refuse, and the name that such an endpoint has for it.
OTHER_NAMES = {"stream_options": "", "max_tokens": "max_completion_tokens"}


def refused_parameter(body: Mapping[str, Any], message: str) -> str | None:
    """The parameter because of which an endpoint refused the body with this message; None if that is not why."""
    return next(
        (name for name, other in OTHER_NAMES.items() if name in body and (other or name) in message), None
    )


def without(body: Mapping[str, Any], refused: Collection[str]) -> dict[str, Any]:
    """The body without these parameters, or with them under their other names."""
    named = {(OTHER_NAMES[name] if name in refused else name): value for name, value in body.items()}
    return {name: value for name, value in named.items() if name}
