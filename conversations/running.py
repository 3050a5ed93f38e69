"""One answer, from the question that was accepted to its last event."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, fields, replace
from typing import Any
from uuid import UUID

from assistants.models import Assistant, Teammate
from conversations.answering import answer
from conversations.answering.events import (
    Event,
    Failed,
    Finished,
    FinishedReply,
    Piece,
    Retrieved,
    Routed,
    Started,
)
from conversations.answering.request import AnswerRequest, Profile
from conversations.answering.tracing import TraceRecorder, as_json
from conversations.answering.values import Answer, Turn
from conversations.errors import INTERNAL, INTERNAL_DETAIL
from conversations.heartbeats import heartbeats
from conversations.metering import NOTHING, MeteredModel
from conversations.models import Message, MessageState
from conversations.presenting import shown_citation, shown_sentence
from conversations.profiles import chat_model_of, embedder_of, profile_of
from conversations.routing.service import note_outcome, route
from conversations.writer import AnswerEndedError, RowWriter, Writer
from core.actors import Actor
from core.connections import give_back_connections
from core.errors import EngineError, OylError
from core.isolation.scope import tenant_scope
from engines.chat import Sampling
from knowledge.search.filters import SearchFilters

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question that was accepted. `partner` is who is asked, and `history` has the turns before. `answer` is the row to
    write; None if nothing is kept."""

    actor: Actor
    partner: Assistant | Teammate
    question: str
    history: tuple[Turn, ...]
    filters: SearchFilters
    overrides: Sampling
    answer: Message | None
    instructions: str = ""
    warnings: tuple[str, ...] = ()


class AnswerRun:
    def __init__(self, asked: Asked) -> None:
        self._asked, self._actor, self._trace = asked, asked.actor, TraceRecorder()
        self._writer = RowWriter(asked.actor.tenant_id, asked.answer) if asked.answer else Writer()
        self._warnings, self._why = list(asked.warnings), ""
        self._profile: Profile | None = None
        self._model: MeteredModel | None = None

    def events(self) -> Iterator[Event]:
        """To be iterated outside of a scope. Closing it stops the answer. It raises nothing: a failure is the last event."""
        row = self._asked.answer
        with heartbeats.of(self._actor.tenant_id, row.writer) if row and row.writer else nullcontext():
            try:
                yield Started(**self._writer.ids)
                yield self._route()
                yield from self._answer()
            except GeneratorExit:
                self._end(MessageState.STOPPED)
                raise
            except AnswerEndedError:
                self._end(MessageState.STOPPED)
                yield Finished(
                    reply=self._reply(Answer(text=self._writer.text, citations=()), is_stopped=True)
                )
            except (EngineError, OylError) as error:
                yield self._fail(error.code, str(error))
            except Exception:
                logger.exception("an answer failed")
                yield self._fail(INTERNAL, INTERNAL_DETAIL)

    def _route(self) -> Routed:
        assistant_id, self._why = self._chosen()
        with tenant_scope(self._actor.tenant_id):
            self._profile = profile_of(assistant_id, self._asked.question)
        give_back_connections()
        self._trace.record("routing", assistant=self._profile.name, why=self._why)
        return Routed(assistant_id=self._profile.assistant_id, name=self._profile.name, why=self._why)

    def _chosen(self) -> tuple[UUID, str]:
        """The assistant that answers, and why. Of a broadcast, it is the first one, because answers are not merged yet."""
        asked = self._asked
        if isinstance(asked.partner, Assistant):
            return asked.partner.pk, "It was asked itself."
        choice = route(
            actor=asked.actor,
            teammate=asked.partner.pk,
            question=asked.question,
            history=asked.history,
            conversation=asked.answer.conversation_id if asked.answer else None,
        )
        first, *others = choice.assistants
        return first, "It is the first of a broadcast." if others else choice.reason

    def _note_outcome(self, *, failed: bool) -> None:
        """For the cooldown of teammates."""
        if self._profile and isinstance(self._asked.partner, Teammate):
            tenant_id = self._actor.tenant_id
            note_outcome(tenant_id=tenant_id, assistant=self._profile.assistant_id, failed=failed)

    def _answer(self) -> Iterator[Event]:
        request = self._request()
        with closing(answer(request, self._trace)) as parts:  # type: ignore[type-var]
            for part in parts:
                if isinstance(part, Answer):
                    yield self._finish(part)
                    return
                if isinstance(part, Piece):
                    self._writer.add(part.text)
                if isinstance(part, Retrieved):
                    self._warnings += part.warnings
                yield part

    def _request(self) -> AnswerRequest:
        assert self._profile, "an answer is routed first"
        asked, profile = self._asked, self._profile
        with tenant_scope(self._actor.tenant_id):
            model, embedder = chat_model_of(profile.settings), embedder_of(profile)
        give_back_connections()
        self._model = MeteredModel(model, self._actor, profile.workspace_id) if model else None
        return AnswerRequest(
            actor=self._actor,
            profile=profile,
            question=asked.question,
            history=asked.history,
            filters=asked.filters,
            model=self._model,
            instructions=asked.instructions,
            sampling=_overridden(profile.settings.sampling, asked.overrides),
            embedder=embedder,
        )

    def _finish(self, result: Answer) -> Finished:
        self._note_outcome(failed=False)
        reply = self._reply(result)
        self._writer.end(
            MessageState.DONE,
            self._trace.stages,
            text=reply.answer,
            is_refusal=reply.is_refusal,
            citations_json=as_json([shown_citation(one) for one in reply.citations]),
            sentences_json=[shown_sentence(one) for one in reply.sentences],
            **self._costs(reply.model),
        )
        return Finished(reply=reply)

    def _fail(self, code: str, detail: str) -> Event:
        self._note_outcome(failed=True)
        self._end(MessageState.ERROR, error_code=code, error_detail=detail[:2000])
        return Failed(code=code, detail=detail)

    def _end(self, state: MessageState, **columns: Any) -> None:
        with suppress(AnswerEndedError):
            self._writer.end(state, self._trace.stages, **columns, **self._costs())

    def _reply(self, result: Answer, *, is_stopped: bool = False) -> FinishedReply:
        return FinishedReply(
            **self._writer.ids,
            answer=result.text,
            citations=result.citations,
            sentences=result.sentences,
            is_refusal=result.is_refusal,
            is_stopped=is_stopped,
            model=result.model,
            assistant_id=self._profile.assistant_id if self._profile else None,
            assistant=self._profile.name if self._profile else "",
            why=self._why,
            usage=self._model.usage if self._model else NOTHING,
            price=None,
            currency="",
            seconds=self._trace.seconds,
            warnings=tuple(self._warnings),
        )

    def _costs(self, model: str = "") -> dict[str, Any]:
        usage = self._model.usage if self._model else NOTHING
        return {
            "assistant_id": self._profile.assistant_id if self._profile else None,
            "why": self._why,
            "model": model or (self._model.model if self._model else ""),
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "seconds": self._trace.seconds,
        }


def _overridden(own: Sampling, overrides: Sampling) -> Sampling:
    """The assistant's sampling, with what the asker has set."""
    given = {field.name: getattr(overrides, field.name) for field in fields(Sampling)}
    return replace(own, **{name: value for name, value in given.items() if value not in (None, ())})
