"""Any OpenAI-compatible `/chat/completions`: OpenAI, Azure, vLLM, Ollama, TGI, LiteLLM, llama.cpp and others."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from threading import Lock
from uuid import UUID

from core.outbound import Deadline
from engines.chat import ChatEndpointConfig, ChatError, ChatReply, ChatRequest, Message
from engines.chat.endpoint import Endpoint
from engines.chat.token_counts import message_tokens

Steps = Generator[str | ChatReply, None, None]


class OpenAICompatibleModel:
    """The endpoint of the configuration, and those that it names as fallbacks, in their order."""

    def __init__(self, config: ChatEndpointConfig) -> None:
        self.model = config.model
        self._endpoints = list(map(Endpoint, _chain(config)))
        # A prompt must fit each of them.
        self.context_tokens = min(endpoint.config.context_tokens for endpoint in self._endpoints)

    def stream(self, tenant_id: UUID, request: ChatRequest) -> OpenStream:
        deadline = Deadline(0)  # each endpoint moves it
        return OpenStream(self._steps(request, deadline), deadline)

    def complete(self, tenant_id: UUID, request: ChatRequest) -> ChatReply:
        *_, reply = self.stream(tenant_id, request)
        assert isinstance(reply, ChatReply)
        return reply

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return message_tokens(messages)

    def _steps(self, request: ChatRequest, deadline: Deadline) -> Steps:
        *others, last = self._endpoints
        for endpoint in others:
            pieces = endpoint.stream(request, deadline)
            try:
                first = next(pieces)
            except ChatError as error:
                if error.code == "chat_filtered" or deadline.is_ended:
                    raise
                continue
            yield first
            yield from pieces
            return
        yield from last.stream(request, deadline)


class OpenStream:
    """A ChatStream. Only one thread takes steps."""

    def __init__(self, steps: Steps, deadline: Deadline) -> None:
        self._steps, self._deadline, self._in_step = steps, deadline, Lock()

    def __iter__(self) -> OpenStream:
        return self

    def __next__(self) -> str | ChatReply:
        try:
            with self._in_step:
                return next(self._steps)
        except ChatError:
            if self._deadline.is_ended:
                raise StopIteration from None
            raise

    def close(self) -> None:
        self._deadline.end()
        if self._in_step.acquire(blocking=False):  # else another thread is in a step, and ends it
            try:
                self._steps.close()
            finally:
                self._in_step.release()


def _chain(config: ChatEndpointConfig) -> Iterator[ChatEndpointConfig]:
    yield config
    if config.fallback:
        yield from _chain(config.fallback)
