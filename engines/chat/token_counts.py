"""Estimates of tokens, where the model's own tokenizer is not known."""

from __future__ import annotations

import json
from collections.abc import Sequence

from engines.chat import ChatRequest, Message, TokenUsage, Tool

# Tokenizers of today's models need one token for 3 to 5 bytes of text in most languages.
BYTES_PER_TOKEN = 3
# The role and the delimiters.
TOKENS_PER_MESSAGE = 6
# What an endpoint says of its usage is believed if a token has so many bytes on average; an endpoint may add a prompt of
# its own, and a model's reasoning counts, too.
MAX_BYTES_PER_TOKEN = 24
OWN_PROMPT_TOKENS = 4096


def text_tokens(text: str) -> int:
    return -(-len(text.encode(errors="replace")) // BYTES_PER_TOKEN)


def message_tokens(messages: Sequence[Message]) -> int:
    calls = [call for message in messages for call in message.tool_calls]
    texts = [*(message.text for message in messages), *(call.name + call.arguments for call in calls)]
    return TOKENS_PER_MESSAGE * (len(messages) + len(calls)) + sum(map(text_tokens, texts))


def tool_tokens(tools: Sequence[Tool]) -> int:
    return sum(
        TOKENS_PER_MESSAGE + text_tokens(tool.name + tool.description + json.dumps(dict(tool.parameters)))
        for tool in tools
    )


def checked_usage(
    request: ChatRequest, written: str, claimed: tuple[object, object], context_tokens: int
) -> TokenUsage:
    """What the endpoint claims of the prompt and of what the model has written, if both can be; otherwise an estimate."""
    prompt = message_tokens(request.messages) + tool_tokens(request.tools)
    prompt_limit = prompt * BYTES_PER_TOKEN + OWN_PROMPT_TOKENS
    completion_limit = max(context_tokens, request.sampling.max_tokens or 0)
    match claimed:
        case (int(sent), int(answered)) if (
            _least(prompt) <= sent <= prompt_limit
            and _least(text_tokens(written)) <= answered <= completion_limit
        ):
            return TokenUsage(prompt_tokens=sent, completion_tokens=answered)
    return TokenUsage(prompt_tokens=prompt, completion_tokens=text_tokens(written), is_estimated=True)


def _least(estimate: int) -> int:
    return -(-estimate * BYTES_PER_TOKEN // MAX_BYTES_PER_TOKEN)
