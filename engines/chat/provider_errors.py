"""What went wrong at an endpoint, as a ChatError that says what to do."""

from __future__ import annotations

import re
import time
from collections.abc import Container, Iterable
from email.utils import parsedate_to_datetime
from typing import Any

import openai

from core.outbound import OutboundError
from engines.chat import ChatError

MAX_MESSAGE_CHARACTERS = 300
CONTEXT = re.compile(
    r"context[ _-]?(length|window|size)|maximum context|too many (input )?tokens|(prompt|input) is too long",
    re.I,
)
FILTER = re.compile(r"content[ _]?(filter|management|policy)|flagged|moderation", re.I)
NO_QUOTA = re.compile(
    r"insufficient[ _](quota|credit|balance|funds)|current quota|billing|credit balance", re.I
)
NO_MODEL = re.compile(
    r"model[ _]not[ _]found|no such model|model\b.{0,80}\b(not (found|exist)|unknown)|unknown model", re.I
)
BUSY = (0, 408, 409, 425, *range(500, 600))
# The first that fits: statuses, of which 0 is an error inside of a stream; words of the message; the code. None is any.
RULES: tuple[tuple[Container[int] | None, re.Pattern[str] | None, str], ...] = (
    ((401, 403), None, "chat_wrong_key"),
    ((402,), None, "chat_no_quota"),
    (None, NO_QUOTA, "chat_no_quota"),
    ((429,), None, "chat_rate_limited"),
    (None, CONTEXT, "chat_context_too_long"),
    (None, FILTER, "chat_filtered"),
    ((404,), None, "chat_unknown_model"),
    (None, NO_MODEL, "chat_unknown_model"),
    (BUSY, None, "chat_unavailable"),
    (None, None, "chat_refused"),
)


def chat_error(error: Exception, *, host: str, model: str, secrets: Iterable[str]) -> ChatError:
    """`secrets` are not repeated, should the endpoint's message have them."""
    if isinstance(error, ChatError):
        return error
    cause = error.__cause__ if isinstance(error, openai.APIConnectionError) else error
    if isinstance(cause, OutboundError):
        return _unreachable(cause, host)
    if not isinstance(error, openai.APIError):
        return ChatError("chat_malformed", host=host)
    status = error.status_code if isinstance(error, openai.APIStatusError) else 0
    message = _own_message(error.body, secrets)
    code = _code(status, f"{error.code} {error.type} {message}")
    said = ChatError(code, host=host, model=model, message=message or f"status {status}")
    if isinstance(error, openai.APIStatusError):
        said.retry_after = _retry_after(error.response.headers.get("retry-after", ""))
    return said


def _unreachable(error: OutboundError, host: str) -> ChatError:
    if error.code == "outbound_unavailable":
        return ChatError("chat_unavailable", host=host, message="it cannot be reached")
    return ChatError(error.code, error.detail)


def _code(status: int, message: str) -> str:
    return next(
        code
        for statuses, words, code in RULES
        if (statuses is None or status in statuses) and (words is None or words.search(message))
    )


def _own_message(body: Any, secrets: Iterable[str]) -> str:
    """The sentence that an endpoint gives in OpenAI's form. Other content is not repeated: it may be anybody's page."""
    found = body.get("message") if isinstance(body, dict) else None
    words = " ".join(str(found).split()) if isinstance(found, str) else ""
    for secret in filter(None, secrets):
        words = words.replace(secret, "***")
    return words[:MAX_MESSAGE_CHARACTERS].rstrip(".")


def _retry_after(header: str) -> float:
    """Seconds, from a number of them or a date."""
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0
