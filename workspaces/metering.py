"""A chat model whose tokens are counted: before each request the most that it may use, and afterwards what it has used, so
that requests at the same time cannot exceed a quota by more than one answer."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from uuid import UUID

from core.actors import Actor
from core.connections import give_back_connections, insist
from core.isolation.scope import tenant_scope
from core.quota_kinds import QuotaKind
from core.quotas import charge, count
from engines.chat import ChatModel, ChatReply, ChatRequest, ChatStream, Message, Role, TokenUsage

# Of requests that do not limit the answer.
ANSWER_TOKENS = 2048
NOTHING = TokenUsage(prompt_tokens=0, completion_tokens=0)


def sum_of(usages: Sequence[TokenUsage]) -> TokenUsage:
    return TokenUsage(
        prompt_tokens=sum(one.prompt_tokens for one in usages),
        completion_tokens=sum(one.completion_tokens for one in usages),
        is_estimated=any(one.is_estimated for one in usages),
    )


class ModelEndedError(Exception):
    """The work for which the model was asked is not wanted any more."""


class MeteredModel:
    """The `ChatModel` of one piece of work, such as an answer. `usage` is what its requests have used together. Besides
    ChatError, its methods raise QuotaExceededError, and ModelEndedError after `end`."""

    def __init__(self, model: ChatModel, actor: Actor, workspace_id: UUID) -> None:
        self._model, self._actor, self._workspace_id = model, actor, workspace_id
        self.model, self.context_tokens, self.usage = model.model, model.context_tokens, NOTHING
        self._open: ChatStream | None = None
        self._is_ended = False

    def end(self) -> None:
        """End its request, and take no others. Another thread may call it; the request ends within half a second."""
        self._is_ended = True
        if stream := self._open:
            stream.close()

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return self._model.count_tokens(messages)

    def complete(self, tenant_id: UUID, request: ChatRequest) -> ChatReply:
        *_, reply = self.stream(tenant_id, request)
        assert isinstance(reply, ChatReply)
        return reply

    def stream(self, tenant_id: UUID, request: ChatRequest) -> Generator[str | ChatReply, None, None]:
        """Of a stream that ends early, the prompt and the text so far are counted."""
        reserved, text, reply = self._reserve(request), "", None
        try:
            with closing(self._model.stream(tenant_id, request)) as self._open:
                for part in () if self._is_ended else self._open:
                    if isinstance(part, ChatReply):
                        self.model, reply = part.model, part
                    else:
                        text += part
                    yield part
            if self._is_ended:
                raise ModelEndedError
        finally:
            self._settle(reserved, reply.usage if reply else self._estimate(request, text))

    def _estimate(self, request: ChatRequest, text: str) -> TokenUsage:
        if not text:
            return NOTHING
        written = self.count_tokens([Message(role=Role.ASSISTANT, text=text)])
        read = self.count_tokens(request.messages)
        return TokenUsage(prompt_tokens=read, completion_tokens=written, is_estimated=True)

    def _reserve(self, request: ChatRequest) -> int:
        """The thread's connection, also that of the search before, is given back: a model takes its time."""
        tokens = self.count_tokens(request.messages) + (request.sampling.max_tokens or ANSWER_TOKENS)
        try:
            with tenant_scope(self._actor.tenant_id):
                charge(
                    actor=self._actor,
                    amounts={QuotaKind.ANSWER_TOKENS: tokens},
                    workspace_id=self._workspace_id,
                )
        finally:
            give_back_connections()
        return tokens

    def _settle(self, reserved: int, usage: TokenUsage) -> None:
        difference = usage.prompt_tokens + usage.completion_tokens - reserved
        self.usage = sum_of([self.usage, usage])
        insist(lambda: self._count(difference))

    def _count(self, tokens: int) -> None:
        with tenant_scope(self._actor.tenant_id):
            count(
                actor=self._actor,
                amounts={QuotaKind.ANSWER_TOKENS: tokens},
                workspace_id=self._workspace_id,
            )
