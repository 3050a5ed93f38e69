"""One OpenAI-compatible endpoint: its requests, times, attempts and circuit breaker."""

from __future__ import annotations

import atexit
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import openai

from core.outbound import AllowList, Deadline, OutboundClient, OutboundError, checked_url, httpx_client
from engines.chat import ChatEndpointConfig, ChatError, ChatReply, ChatRequest
from engines.chat.pacing import readers
from engines.chat.provider_errors import chat_error
from engines.chat.reply_builder import ReplyBuilder
from engines.chat.request_body import refused_parameter, request_body, without
from engines.circuit_breaker import CircuitBreaker
from engines.singleton import Singleton

MAX_BYTES = 64 << 20
BREAKER_FAILURES, BREAKER_SECONDS = 5, 30.0
# These say something about the endpoint, and not about the request.
ENDPOINT_FAILURES = {
    "chat_unavailable",
    "chat_no_first_piece",
    "chat_stalled",
    "chat_interrupted",
    "chat_malformed",
}
# What chunks of another form than OpenAI's lead to.
MALFORMED = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
LIST_SECONDS = 15.0


@Singleton
def outbound_client(allow: AllowList) -> OutboundClient:
    client = OutboundClient(allow, max_bytes=MAX_BYTES)
    atexit.register(client.close)
    return client


class Endpoint:
    """Thread-safe."""

    def __init__(self, config: ChatEndpointConfig) -> None:
        self.config = config
        self._host = config.url.partition("://")[2].partition("/")[0]
        self._headers = dict(config.headers)
        if config.api_key:
            self._headers["authorization"] = f"Bearer {config.api_key}"
        self._secrets = (config.api_key, *dict(config.headers).values())
        self._breaker = CircuitBreaker(failures=BREAKER_FAILURES, seconds=BREAKER_SECONDS)
        self._refused: set[str] = set()

    def stream(self, request: ChatRequest, deadline: Deadline) -> Iterator[str | ChatReply]:
        """Yield what the first attempt yields that begins to answer. Raises ChatError."""
        end = time.monotonic() + self.config.total_seconds
        deadline.move(self.config.first_seconds)
        for attempt in count(1):
            pieces = self._attempt(request, deadline, end)
            try:
                first = next(pieces)
                break
            except ChatError as error:
                self._wait(error, attempt, deadline)
        yield first
        yield from pieces

    def model_names(self) -> list[str]:
        """Raises ChatError."""
        deadline = Deadline(LIST_SECONDS)
        try:
            return [str(model.id) for model in self._client(deadline).models.list()]
        except (openai.OpenAIError, OutboundError, *MALFORMED) as error:
            raise self._chat_error(error) from error

    def _attempt(self, request: ChatRequest, deadline: Deadline, end: float) -> Iterator[str | ChatReply]:
        if seconds := self._breaker.seconds_to_wait():
            raise ChatError("chat_paused", host=self._host, seconds=round(seconds))
        reply = ReplyBuilder(request, self.config.model, self.config.context_tokens, self._host)
        try:
            with readers.one_more(), self._open(request, deadline) as chunks:
                for chunk in chunks:
                    if (piece := reply.add(chunk)) is None:
                        continue
                    deadline.move(min(self.config.between_seconds, end - time.monotonic()))
                    deadline.pause = readers.pause
                    if piece:
                        yield piece
            finished = reply.finish()
        except (openai.OpenAIError, OutboundError, ChatError, *MALFORMED) as error:
            failure = self._failure(error, reply, deadline, end)
            is_failure = failure.code in ENDPOINT_FAILURES and not deadline.is_ended
            self._breaker.record(failed=is_failure)
            raise failure from error
        self._breaker.record(failed=False)
        yield finished

    def _open(self, request: ChatRequest, deadline: Deadline) -> openai.Stream[object]:
        """Chunks as JSON values: to make the package's objects of them would cost more than all else that reads them. Ask
        again without a parameter that the endpoint does not know."""
        send, kind = self._client(deadline).post, openai.Stream[object]
        while True:
            body = without(request_body(self.config.model, request), self._refused)
            try:
                return send("/chat/completions", body=body, cast_to=object, stream=True, stream_cls=kind)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                refused = refused_parameter(body, error.message)
                if refused is None:
                    raise
                self._refused = {*self._refused, refused}

    def _client(self, deadline: Deadline) -> openai.OpenAI:
        """Raises OutboundError for an address that the package would read differently, or not at all."""
        checked_url(self.config.url)
        client: Any = httpx_client(outbound_client(self.config.allow), self._headers, deadline)
        # The transport sends the key, and nothing that the package takes from environment variables.
        return openai.OpenAI(base_url=self.config.url, api_key="not sent", http_client=client, max_retries=0)

    def _failure(self, error: Exception, reply: ReplyBuilder, deadline: Deadline, end: float) -> ChatError:
        failure = self._chat_error(error)
        if failure.code == "outbound_timeout":
            return self._time_out(reply, deadline, end)
        if failure.code == "chat_unavailable" and reply.has_begun:
            return ChatError("chat_interrupted", host=self._host)
        return failure

    def _time_out(self, reply: ReplyBuilder, deadline: Deadline, end: float) -> ChatError:
        if deadline.remaining > 0:
            return ChatError("chat_unavailable", host=self._host, message="it cannot be reached in time")
        if time.monotonic() >= end:
            return ChatError("chat_too_slow", host=self._host, seconds=f"{self.config.total_seconds:g}")
        if reply.has_begun:
            return ChatError("chat_stalled", host=self._host, seconds=f"{self.config.between_seconds:g}")
        return ChatError("chat_no_first_piece", host=self._host, seconds=f"{self.config.first_seconds:g}")

    def _chat_error(self, error: Exception) -> ChatError:
        return chat_error(error, host=self._host, model=self.config.model, secrets=self._secrets)

    def _wait(self, error: ChatError, attempt: int, deadline: Deadline) -> None:
        """Until the next attempt. Raise the error if there is none, or no time for it."""
        policy = error.retry
        if policy is None or attempt >= policy.attempts:
            raise error
        seconds = max(policy.wait(attempt).total_seconds(), error.retry_after)
        if seconds >= deadline.remaining:
            raise error
        deadline.wait(seconds)
