"""One answer, from the question that was accepted to its last event."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import Error as DatabaseError
from django.utils import timezone

from assistants.models import Assistant, Teammate
from assistants.orchestration import BroadcastAnswer
from conversations.answering import Part, answer
from conversations.answering.broadcasting import answer_of_all
from conversations.answering.events import (
    Event,
    Failed,
    Finished,
    FinishedReply,
    Piece,
    Retrieved,
    Routed,
    Started,
    Summarised,
)
from conversations.answering.request import Profile
from conversations.answering.tracing import TraceRecorder, as_json
from conversations.answering.values import Answer
from conversations.asked import Asked, request_of
from conversations.errors import INTERNAL, INTERNAL_DETAIL, AnswerEndedError
from conversations.models import MessageState
from conversations.presenting import shown_citation, shown_sentence, shown_table
from conversations.profiles import profile_of
from conversations.routing.service import note_outcome, route
from conversations.routing.values import Choice
from conversations.saving import saver
from conversations.writer import MAX_DETAIL_LENGTH, RowWriter, Writer
from core.connections import UNAVAILABLE, give_back_connections, insist
from core.errors import EngineError, OylError
from core.isolation.scope import tenant_scope
from core.tenant_slots import TooBusyError
from engines.chat import TokenUsage
from workspaces.metering import MeteredModel, ModelEndedError, sum_of
from workspaces.prices import Price, price_of

logger = logging.getLogger(__name__)
CUT_OFF = (
    "The answer is cut off: it has as many tokens as the assistant's `max_tokens`, or its model, allows."
)


class AnswerRun(Iterator[Event]):
    """What happens until the answer ends. To be iterated outside of a scope. It raises nothing: a failure is the last
    event."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._actor, self._trace = asked, asked.actor, TraceRecorder()
        self._writer = RowWriter(asked.actor.tenant_id, asked.answer) if asked.answer else Writer()
        self._warnings, self._why = list(asked.warnings), ""
        self._profiles: list[Profile] = []
        self._profile: Profile | None = None
        self._how: BroadcastAnswer | None = None
        self._models: list[MeteredModel] = []
        self._events, self._is_stopped = self._run(), False

    @property
    def message_id(self) -> UUID | None:
        """Of the answer's row, if it is kept."""
        return self._writer.ids["message_id"]

    def __next__(self) -> Event:
        return next(self._events)

    def close(self) -> None:
        """Stop the answer where it is."""
        self._events.close()

    def stop(self) -> None:
        """Let the thread that iterates end the answer as stopped, at once or, if its model is silent, within half a second.
        Any thread may call it."""
        self._is_stopped = True
        for model in self._models:
            model.end()

    def _run(self) -> Generator[Event, None, None]:
        with self._saved():
            try:
                yield Started(**self._writer.ids)
                yield from self._route()
                yield from self._answer()
            except GeneratorExit:
                self._end(MessageState.STOPPED)
                raise
            except (AnswerEndedError, ModelEndedError):
                self._end(MessageState.STOPPED)
                yield Finished(
                    reply=self._reply(Answer(text=self._writer.text, citations=()), is_stopped=True)
                )
            except EngineError as error:
                logger.warning("an answer failed: %s", error)
                self._trace.record("failed", code=error.code, reason=str(error))
                yield self._fail(error.code, error.for_askers)
            except OylError as error:
                yield self._fail(error.code, str(error))
            except Exception:
                logger.exception("an answer failed")
                yield self._fail(INTERNAL, INTERNAL_DETAIL)

    def _saved(self) -> AbstractContextManager[None]:
        writer = self._writer
        return saver.of(writer, self.stop) if isinstance(writer, RowWriter) else nullcontext()

    def _route(self) -> Iterator[Event]:
        """Who is asked answers, or whom the teammate chooses; of several, who it was is known at the end."""
        choice = self._choice()
        with tenant_scope(self._actor.tenant_id):
            asked = self._asked
            self._profiles = [profile_of(pk, asked.question, draft=asked.draft) for pk in choice.assistants]
        give_back_connections()
        self._profile, self._why, self._how = self._profiles[0], choice.reason, choice.answer
        names = [one.name for one in self._profiles]
        facts = {"assistants": names, "why": choice.reason, "passed_over": choice.passed_over}
        self._trace.record("routing", **facts, scores=choice.scores)
        if not self._how:
            yield Routed(assistant_id=self._profile.assistant_id, name=self._profile.name, why=self._why)

    def _choice(self) -> Choice:
        asked, partner = self._asked, self._asked.partner
        if isinstance(partner, Assistant):
            return Choice(assistants=(partner.pk,), reason="It was asked itself.")
        return route(
            actor=self._actor,
            teammate=partner.pk,
            question=asked.question,
            history=asked.history,
            conversation=asked.answer.conversation_id if asked.answer else None,
        )

    def _answer(self) -> Iterator[Event]:
        with closing(self._parts()) as parts:  # type: ignore[type-var]
            yield from self._kept(parts)

    def _kept(self, parts: Iterator[Routed | Part]) -> Iterator[Event]:
        """The parts as they come, when they are written down. Raises AnswerEndedError when it is stopped."""
        for part in parts:
            if self._is_stopped:
                raise AnswerEndedError
            if isinstance(part, Answer):
                yield self._finish(part)
                return
            if isinstance(part, Summarised):
                self._writer.keep_summary(part)
                continue
            if isinstance(part, Routed):
                self._profile = next(one for one in self._profiles if one.assistant_id == part.assistant_id)
            if isinstance(part, Piece):
                self._writer.add(part.text)
            if isinstance(part, Retrieved):
                self._warnings += part.warnings
            yield part

    def _parts(self) -> Iterator[Routed | Part]:
        requests = [request_of(self._asked, profile) for profile in self._profiles]
        self._models = [one.model for one in requests if isinstance(one.model, MeteredModel)]
        if self._is_stopped:
            raise AnswerEndedError
        if self._how:
            yield from answer_of_all(requests, self._how, self._why, self._trace)
        else:
            yield from answer(requests[0], self._trace)

    def _finish(self, result: Answer) -> Finished:
        reply = self._reply(result)
        self._writer.end(
            MessageState.DONE,
            self._trace.stages,
            text=reply.answer,
            is_refusal=reply.is_refusal,
            citations_json=as_json([shown_citation(one) for one in reply.citations]),
            tables_json=as_json([shown_table(one) for one in reply.tables]),
            sentences_json=[shown_sentence(one) for one in reply.sentences],
            **self._costs(reply.model),
        )
        self._note_outcome(failed=False)
        return Finished(reply=reply)

    def _fail(self, code: str, detail: str) -> Event:
        self._note_outcome(failed=True)
        self._end(MessageState.ERROR, error_code=code, error_detail=detail[:MAX_DETAIL_LENGTH])
        return Failed(code=code, detail=detail)

    def _end(self, state: MessageState, **columns: Any) -> None:
        """The sweep ends an answer whose end cannot be written."""
        try:
            self._writer.end(state, self._trace.stages, **columns, **self._costs())
        except AnswerEndedError:
            pass
        except UNAVAILABLE:
            logger.exception("the end of an answer was not written")

    def _reply(self, result: Answer, *, is_stopped: bool = False) -> FinishedReply:
        price = self._price()
        return FinishedReply(
            **self._writer.ids,
            answer=result.text,
            citations=result.citations,
            tables=result.tables,
            sentences=result.sentences,
            is_refusal=result.is_refusal,
            is_stopped=is_stopped,
            is_cut_off=result.is_cut_off,
            model=result.model,
            assistant_id=self._profile.assistant_id if self._profile else None,
            assistant=self._profile.name if self._profile else "",
            why=self._why,
            usage=self._usage(),
            price=price.amount if price else None,
            currency=price.currency if price else "",
            seconds=self._trace.seconds,
            warnings=(*self._warnings, *([CUT_OFF] if result.is_cut_off else [])),
        )

    def _costs(self, model: str = "") -> dict[str, Any]:
        usage, price = self._usage(), self._price()
        return {
            "price": price.amount if price else None,
            "currency": price.currency if price else "",
            "assistant_id": self._profile.assistant_id if self._profile else None,
            "why": self._why[:MAX_DETAIL_LENGTH],
            "model": model or next((one.model for one in self._models), ""),
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "seconds": self._trace.seconds,
        }

    def _price(self) -> Price | None:
        """Of all models together; None if one of them has no price, or another currency, or if prices cannot be read."""
        prices: list[Price | None] = []
        with suppress(*UNAVAILABLE):
            prices = insist(self._prices) if self._models else []
        known = [price for price in prices if price]
        if not known or len(known) < len(prices) or len({price.currency for price in known}) > 1:
            return None
        return Price(amount=sum((one.amount for one in known), Decimal()), currency=known[0].currency)

    def _prices(self) -> list[Price | None]:
        with tenant_scope(self._actor.tenant_id):
            return [price_of(one.model, one.usage, timezone.now()) for one in self._models]

    def _usage(self) -> TokenUsage:
        """Of all models together."""
        return sum_of([one.usage for one in self._models])

    def _note_outcome(self, *, failed: bool) -> None:
        """A teammate passes over assistants that have failed."""
        if self._profile and isinstance(self._asked.partner, Teammate):
            with suppress(DatabaseError, TooBusyError):  # the answer counts for more
                note_outcome(
                    tenant_id=self._actor.tenant_id, assistant=self._profile.assistant_id, failed=failed
                )
