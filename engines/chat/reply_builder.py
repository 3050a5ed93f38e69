"""A reply, put together from the chunks of a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engines.chat import ChatError, ChatReply, ChatRequest, FinishReason, ToolCall
from engines.chat.token_counts import checked_usage

# Others mean that the model stopped by itself.
FINISH_REASONS = {
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.FILTERED,
}


@dataclass(slots=True)
class _PartialCall:
    id: str
    name: str = ""
    arguments: str = ""


class ReplyBuilder:
    """Chunks are JSON values, of which any may be missing or of another type; then ValueError, TypeError, AttributeError or
    LookupError is raised."""

    def __init__(self, request: ChatRequest, model: str, context_tokens: int, host: str) -> None:
        self._request, self._model, self._context_tokens, self._host = request, model, context_tokens, host
        self.has_begun = False
        self._texts: list[str] = []
        self._half = ""  # of a character, whose other half may come with the next piece
        self._reasoning: list[str] = []
        self._calls: list[tuple[int, _PartialCall]] = []
        self._finish = ""
        self._claimed: tuple[object, object] = (None, None)

    def add(self, chunk: Any) -> str | None:
        """Return the piece of text in it, and None if it brings nothing new, such as a sign of life."""
        if usage := chunk.get("usage"):
            self._claimed = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
        if not chunk["choices"]:  # usage alone, or the results of a filter
            return None
        choice = chunk["choices"][0]
        self._finish = choice.get("finish_reason") or self._finish
        if (delta := choice.get("delta")) is None:
            return None
        for call in delta.get("tool_calls") or ():
            self._add_call(call)
        reasoning = delta.get("reasoning_content") or delta.get("reasoning") or ""
        self._reasoning.append(_text(reasoning))
        piece = self._whole_characters(_text(delta.get("content") or delta.get("refusal") or ""))
        self._texts.append(piece)
        is_new = bool(piece or reasoning or delta.get("tool_calls"))
        self.has_begun |= is_new
        return piece if is_new else None

    def _whole_characters(self, piece: str) -> str:
        """Join surrogates that an endpoint sends one by one, and leave out what no text can have."""
        text = self._half + piece
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        whole = text.removesuffix(self._half)
        return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")

    def _add_call(self, delta: Any) -> None:
        """Some endpoints number all calls 0, each with an id of its own."""
        index, identity, function = delta.get("index") or 0, delta.get("id") or "", delta.get("function")
        known = [call for number, call in self._calls if number == index and identity in ("", call.id)]
        if known:
            call = known[-1]
        else:
            call = _PartialCall(identity or f"call_{len(self._calls)}")
            self._calls.append((index, call))
        if function:
            call.name += _text(function.get("name") or "")
            call.arguments += _text(function.get("arguments") or "")

    def finish(self) -> ChatReply:
        """Raises ChatError when the stream has ended before its end."""
        if not self._finish:
            raise ChatError("chat_interrupted" if self.has_begun else "chat_malformed", host=self._host)
        text = "".join(self._texts)
        calls = tuple(
            ToolCall(id=call.id, name=call.name, arguments=call.arguments) for _, call in self._calls
        )
        written = "".join([text, *self._reasoning, *(call.name + call.arguments for call in calls)])
        reason = FINISH_REASONS.get(self._finish, FinishReason.STOP)
        return ChatReply(
            text=text,
            model=self._model,
            usage=checked_usage(self._request, written, self._claimed, self._context_tokens),
            finish_reason=FinishReason.TOOL_CALLS if calls and reason is FinishReason.STOP else reason,
            tool_calls=calls,
        )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"A piece of text is of the type {type(value).__name__}.")
    return value
