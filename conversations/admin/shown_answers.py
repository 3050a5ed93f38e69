"""An answer as people see it, with its sources. To be called inside a scope."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import F, Func, JSONField, OuterRef, QuerySet, Subquery
from django.utils.safestring import SafeString

from conversations.access import owner_of
from conversations.admin.answer_html import answer_html, quotation_html
from conversations.answering.values import Support
from conversations.models import Feedback, Message, Trace
from core.actors import Actor
from knowledge.models import Chunk, TagLink

QUOTING = "extractive"
# The passages of a trace's stages: those that were selected, and those that tools have added.
PASSAGES = "jsonb_path_query_array(%(expressions)s, '$[*].facts.passages[*] ? (exists(@.number))')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A cited passage with its quotations. `is_there` if the document still has it: a newer version has others."""

    number: int
    chunk: str
    filename: str
    page: int | None
    heading: str
    quotations: Sequence[Mapping[str, Any]]
    relevance: float | None
    tags: Sequence[TagLink]
    is_there: bool
    feedback: Feedback | None
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAnswer:
    """`weak` has the sentences that their sources may not support. `facts` are those of the reply: who answered, the model,
    tokens, price and seconds."""

    anchor: str
    html: SafeString
    sources: Sequence[Source]
    weak: Sequence[Mapping[str, Any]]
    is_quotation: bool
    facts: Mapping[str, Any]
    trace: UUID | None = None
    feedback: Feedback | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the database has about answers: who or what set the tags of their chunks, and which chunks are still there."""

    tags: Mapping[str, Sequence[TagLink]]
    chunks: frozenset[str]


def shown_answers(actor: Actor, messages: Sequence[Message]) -> dict[UUID, ShownAnswer]:
    known = _known(citation for message in messages for citation in message.citations_json)
    traces = {
        row["message_id"]: row
        for row in Trace.objects.filter(message__in=messages)
        .annotate(passages=Func(F("stages_json"), template=PASSAGES, output_field=JSONField()))
        .values("message_id", "pk", "passages")
    }
    own = Feedback.objects.filter(message__in=messages, owner=owner_of(actor))
    feedback = defaultdict[UUID, dict[int | None, Feedback]](dict)
    for row in own:
        feedback[row.message_id][row.citation] = row
    shown = {}
    for message in messages:
        trace = traces.get(message.pk, {})
        relevance = {one["number"]: one["relevance"] for one in trace.get("passages", ())}
        shown[message.pk] = _shown(
            facts_of(message),
            anchor=f"source-{message.pk}",
            known=known,
            relevance=relevance,
            feedback=feedback[message.pk],
            trace=trace.get("pk"),
        )
    return shown


def shown_reply(facts: Mapping[str, Any], anchor: str) -> ShownAnswer:
    """One that is not kept; `facts` are those of the event `finished`."""
    return _shown(facts, anchor=anchor, known=_known(facts["citations"]))


def facts_of(message: Message) -> dict[str, Any]:
    """A stored answer with the names of the event `finished`."""
    return {
        "answer": message.text,
        "citations": message.citations_json,
        "tables": message.tables_json,
        "sentences": message.sentences_json,
        "is_refusal": message.is_refusal,
        "state": message.state,
        "error": message.error_detail,
        "model": message.model,
        "assistant": message.assistant.name if message.assistant else "",
        "why": message.why,
        "usage": {
            "prompt_tokens": message.prompt_tokens,
            "completion_tokens": message.completion_tokens,
            "total_tokens": message.prompt_tokens + message.completion_tokens,
        },
        "price": message.price,
        "currency": message.currency,
        "seconds": message.seconds,
    }


def _known(citations: Iterable[Mapping[str, Any]]) -> _Known:
    ids = {str(citation["chunk"]) for citation in citations}
    emails = get_user_model().objects.filter(pk=OuterRef("actor_id")).values("email")
    links: QuerySet[Any] = (
        TagLink.objects.filter(chunk__in=ids).select_related("tag").annotate(who=Subquery(emails))
    )
    tags = defaultdict[str, list[TagLink]](list)
    for link in links.order_by("-confidence", "tag__tag"):
        tags[str(link.chunk_id)].append(link)
    current = Chunk.objects.filter(
        pk__in=ids, generation=F("document__generation"), document__deleted_at=None
    ).values_list("pk", flat=True)
    return _Known(tags=tags, chunks=frozenset(map(str, current)))


def _shown(
    facts: Mapping[str, Any],
    *,
    anchor: str,
    known: _Known,
    relevance: Mapping[int, float] | None = None,
    feedback: Mapping[int | None, Feedback] | None = None,
    trace: UUID | None = None,
) -> ShownAnswer:
    sources = _sources(facts["citations"], known, relevance or {}, feedback or {})
    weak = [
        {**one, "text": facts["answer"][one["start"] : one["end"]]}
        for one in facts["sentences"]
        if one["support"] == Support.WEAK
    ]
    is_quotation = facts["model"] == QUOTING and not facts["is_refusal"]
    return ShownAnswer(
        anchor=anchor,
        html=_html(facts, anchor, weak, is_quotation),
        sources=sources,
        weak=weak,
        is_quotation=is_quotation,
        facts=facts,
        trace=trace,
        feedback=(feedback or {}).get(None),
    )


def _html(
    facts: Mapping[str, Any], anchor: str, weak: Sequence[Mapping[str, Any]], is_quotation: bool
) -> SafeString:
    cited = {one["number"] for one in (*facts["citations"], *facts["tables"])}
    if is_quotation:
        return quotation_html(facts["answer"], anchor=anchor, cited=cited)
    texts = [one["text"] for one in facts["citations"]]
    return answer_html(facts["answer"], anchor=anchor, cited=cited, sources=texts, weak=weak)


def _sources(
    citations: Iterable[Mapping[str, Any]],
    known: _Known,
    relevance: Mapping[int, float],
    feedback: Mapping[int | None, Feedback],
) -> list[Source]:
    """One for each number, in the order in which the answer cites them."""
    by_number = defaultdict[int, list[Mapping[str, Any]]](list)
    for citation in citations:
        by_number[citation["number"]].append(citation)
    return [
        Source(
            number=number,
            chunk=str(quotations[0]["chunk"]),
            filename=quotations[0]["filename"],
            page=quotations[0]["page"],
            heading=" › ".join(quotations[0]["heading"]),
            quotations=quotations,
            relevance=relevance.get(number),
            tags=known.tags.get(str(quotations[0]["chunk"]), ()),
            is_there=str(quotations[0]["chunk"]) in known.chunks,
            feedback=feedback.get(number),
            url=quotations[0].get("url", ""),
        )
        for number, quotations in by_number.items()
    ]
