"""The trace of an answer: what each stage did, on a time line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from conversations.access import readable_conversations
from conversations.admin.cases import SavesCases
from conversations.models import Feedback, Trace
from conversations.presenting import shown_stages
from core.admin import UncountedAdmin, actor_of, display, has_role
from core.permissions import Role

FIELDS = ("question", "answer", "answered_by", "used_model", "tokens", "price", "seconds", "timeline")
NOTHING: tuple[Any, ...] = (None, "", [], {})
TITLES = {
    "routing": "Who answers",
    "rewriting": "The question for the search",
    "retrieval": "What the search found",
    "selection": "What was given to the answer",
    "summary": "The summary of the conversation",
    "prompt": "The prompt",
    "generation": "The model",
    "tool": "A tool",
    "quoting": "Quoting",
    "citations": "Citations",
    "grounding": "What the sources support",
    "assistant": "An assistant of the broadcast",
    "failed": "Failed",
    "choice": "Which answer is shown",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownStage:
    """`start` and `share` are percents of the whole time. `tables` has the lists of candidates and passages, and `facts` the
    rest."""

    title: str
    seconds: float
    start: float
    share: float
    facts: Mapping[str, str]
    tables: Mapping[str, Sequence[Mapping[str, Any]]]


def timeline_of(stages: Sequence[Mapping[str, Any]]) -> list[ShownStage]:
    whole = max((stage["began"] + stage["seconds"] for stage in stages), default=0.0) or 1.0
    shown = []
    for stage in stages:
        tables = {name: value for name, value in stage["facts"].items() if _is_table(value)}
        facts = {name: value for name, value in stage["facts"].items() if name not in tables}
        shown.append(
            ShownStage(
                title=TITLES.get(stage["name"], stage["name"]),
                seconds=stage["seconds"],
                start=100 * stage["began"] / whole,
                share=100 * stage["seconds"] / whole,
                facts={_label(name): _text(value) for name, value in facts.items()},
                tables={_label(name): rows for name, rows in tables.items()},
            )
        )
    return shown


def _is_table(value: Any) -> bool:
    """Candidates of the search, or passages."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and "relevance" in value[0]


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _text(value: Any, between: str = "\n") -> str:
    """Objects without what is not set; a line for each member of an object and for each object of a list."""
    if isinstance(value, dict):
        members = {name: one for name, one in value.items() if one not in NOTHING}
        return between.join(f"{_label(name)}: {_text(one, ', ')}" for name, one in members.items()) or "–"
    if isinstance(value, list) and value:
        has_objects = isinstance(value[0], dict)
        return ("\n" if has_objects else ", ").join(_text(one, ", ") for one in value)
    return "–" if value in NOTHING else str(value)


@admin.register(Trace)
class TraceAdmin(SavesCases, UncountedAdmin):
    """Of the conversations that one can read. Admins also see those of answers that somebody has given feedback on."""

    list_display = ["question", "answered_by", "used_model", "seconds", "created_at"]
    list_select_related = ["message__parent", "message__assistant"]
    ordering = ["-id"]
    fields = readonly_fields = FIELDS

    class Media:
        css = {"all": ["oyl/chat.css"]}

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        readable = readable_conversations(actor_of(request)).values("pk")
        may_see = Q(message__conversation__in=readable)
        if has_role(request, Role.ADMIN):
            may_see |= Q(Exists(Feedback.objects.filter(message=OuterRef("message"))))
        return super().get_queryset(request).filter(may_see)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Trace | None:
        found: Trace | None = super().get_object(request, object_id, from_field)
        if found:
            found.stages_json = shown_stages(found.stages_json, actor_of(request).role)
        return found

    @display(description="Question")
    def question(self, obj: Trace) -> str:
        return obj.message.parent.text if obj.message.parent else "–"

    @display(description="Answer")
    def answer(self, obj: Trace) -> str:
        return str(obj.message.text or obj.message.error_detail or obj.message.state)

    @display(description="Answered by")
    def answered_by(self, obj: Trace) -> str:
        name = obj.message.assistant.name if obj.message.assistant else "–"
        return f"{name}. {obj.message.why}" if obj.message.why else name

    @display(description="Model", empty_value="–")
    def used_model(self, obj: Trace) -> str:
        return str(obj.message.model)

    @display(description="Tokens")
    def tokens(self, obj: Trace) -> str:
        return f"{obj.message.prompt_tokens:,} read, {obj.message.completion_tokens:,} written"

    @display(description="Price", empty_value="–")
    def price(self, obj: Trace) -> str | None:
        return None if obj.message.price is None else f"{obj.message.price} {obj.message.currency}"

    @display(description="Seconds", empty_value="–")
    def seconds(self, obj: Trace) -> float | None:
        seconds: float | None = obj.message.seconds
        return seconds

    @display(description="Time line")
    def timeline(self, obj: Trace) -> SafeString:
        stages = timeline_of(obj.stages_json)
        return mark_safe(render_to_string("admin/conversations/timeline.html", {"stages": stages}))  # noqa: S308 (a template escapes)
