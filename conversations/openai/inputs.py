"""The fields of requests: what is asked, what was said before, and how the model is to choose its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers

from conversations.answering.values import Turn
from core.api.openai.fields import Field
from core.api.serializers import TypedSerializer
from engines.chat import Role, Sampling

MAX_MESSAGES, MAX_MESSAGE_LENGTH, MAX_STOPS = 500, 100_000, 4
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
# Of parts, those of texts: OpenAI's chat completions, and its responses.
TEXT_PARTS = ("text", "input_text", "output_text")
INSTRUCTING = ("system", "developer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """`instructions` are what the client tells the assistant besides its own instruction."""

    question: str
    history: tuple[Turn, ...]
    instructions: str


def read_messages(messages: Sequence[Any]) -> Messages:
    """The last message is the question. Messages of tools are left out, since the assistant uses its own. Raises
    ValidationError."""
    turns = [(one["role"], text_of(one.get("content"))) for one in messages if _has_role(one)]
    said = [(role, text) for role, text in turns if role in ("user", "assistant")]
    if not said or said[-1][0] != "user" or not said[-1][1].strip():
        raise serializers.ValidationError("The last message must be the user's, with a text.")
    instructions = "\n\n".join(text for role, text in turns if role in INSTRUCTING and text)
    history = tuple(Turn(role=Role(role), text=text) for role, text in said[:-1] if text)
    return Messages(question=said[-1][1], history=history, instructions=instructions)


def _has_role(message: Any) -> bool:
    """Raises ValidationError for what is no message."""
    if not isinstance(message, dict):
        raise serializers.ValidationError("Each message is an object with `role` and `content`.")
    return isinstance(message.get("role"), str)


def text_of(content: Any) -> str:
    """The text of a message, or of its parts. Raises ValidationError for pictures and the like."""
    if content is None:
        return ""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise serializers.ValidationError("`content` is a text, or a list of parts.")
    for part in parts:
        if part.get("type") not in TEXT_PARTS:
            detail = f"Parts of the type '{part.get('type')}' are not read: send texts, and upload files as documents."
            raise serializers.ValidationError(detail)
    text = "\n".join(str(part.get("text", "")) for part in parts)
    if len(text) > MAX_MESSAGE_LENGTH:
        raise serializers.ValidationError(f"A message has at most {MAX_MESSAGE_LENGTH:,} characters.")
    return text


class StopField(Field):
    """A text, or up to four."""

    def to_internal_value(self, data: Any) -> tuple[str, ...]:
        texts = [data] if isinstance(data, str) else data
        if (
            not isinstance(texts, list)
            or len(texts) > MAX_STOPS
            or not all(isinstance(text, str) and text for text in texts)
        ):
            raise serializers.ValidationError(f"Send a text, or up to {MAX_STOPS}.")
        return tuple(texts)


class SamplingSerializer(TypedSerializer):
    """What both routes have in common."""

    model = serializers.CharField(max_length=255)
    stream = serializers.BooleanField(default=False, allow_null=True)
    temperature = serializers.FloatField(required=False, allow_null=True, min_value=0, max_value=2)
    top_p = serializers.FloatField(required=False, allow_null=True, min_value=0, max_value=1)


def sampling_of(data: dict[str, Any], *, max_tokens: int | None, effort: str | None) -> Sampling:
    return Sampling(
        temperature=data.get("temperature"),
        top_p=data.get("top_p"),
        max_tokens=max_tokens,
        seed=data.get("seed"),
        stop=data.get("stop") or (),
        reasoning_effort=effort,
    )
