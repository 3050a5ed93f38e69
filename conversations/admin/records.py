"""Lists of conversations, messages and feedback, read-only, as people change theirs on the chat page; and how long
conversations are kept."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.admin import AuditedAdmin
from conversations.access import owner_of, readable_conversations
from conversations.admin.cases import SavesCases
from conversations.models import (
    Conversation,
    Feedback,
    Message,
    MessageRole,
    MessageState,
    Rating,
    Retention,
)
from core.admin import ReadOnlyAdmin, TenantForm, UncountedAdmin, actor_of, display, has_role
from core.admin.filters import PeriodFilter
from core.permissions import Role
from tenants.models import Membership

STATES = {
    MessageState.DONE: "success",
    MessageState.GENERATING: "info",
    MessageState.STOPPED: "warning",
    MessageState.ERROR: "danger",
}
RATINGS = {Rating.UP: "success", Rating.DOWN: "danger"}


def with_who(rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Annotate rows that have an `owner` with `who`: the e-mail address of the member whose they are."""
    members = Membership.objects.annotate(owner=Cast("user", models.CharField()))
    found: models.QuerySet[Any] = rows.annotate(
        who=Subquery(members.filter(owner=OuterRef("owner")).values("user__email"))
    )
    return found


class WhoDisplay:
    @display(description="Whose")
    def whose(self, obj: Any) -> str:
        return str(obj.who or obj.owner)


@admin.register(Conversation)
class ConversationAdmin(WhoDisplay, ReadOnlyAdmin):
    """One's own, and those that others have shared."""

    nothing_yet = "Conversations begin on the page “Chat”."
    list_display = ["title", "partner", "whose", "is_shared", "updated_at"]
    list_select_related = ["assistant", "teammate"]
    list_filter = ["is_shared"]
    search_fields = ["title"]
    ordering = ["-updated_at"]
    fields = ["title", "partner", "workspace", "whose", "is_shared", "created_at", "updated_at", "chat"]
    readonly_fields = ["chat"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        readable = readable_conversations(actor_of(request)).values("pk")
        return with_who(super().get_queryset(request).filter(pk__in=readable))

    @display(description="With")
    def partner(self, obj: Conversation) -> str:
        return str(obj.assistant or obj.teammate)

    @display(description="Messages")
    def chat(self, obj: Conversation) -> SafeString:
        address = f"{reverse('admin:chat')}?pane=conversation:{obj.pk}"
        return format_html('<a class="oyl-link" href="{}">Open in the chat</a>', address)


QUALITIES = {
    "refused": ("Nothing found", Q(is_refusal=True)),
    "bare": ("Without sources", Q(state=MessageState.DONE, is_refusal=False, has_sources=False)),
    "unsure": ("Low confidence", Q(state=MessageState.DONE, is_unsure=True)),
}


class QualityFilter(admin.SimpleListFilter):
    title, parameter_name = "quality of answers", "quality"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, label) for key, (label, _) in QUALITIES.items()]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        if self.value() not in QUALITIES:
            return queryset
        return queryset.filter(QUALITIES[self.value() or ""][1], role=MessageRole.ASSISTANT)


@admin.register(Message)
class MessageAdmin(UncountedAdmin):
    """Those of the conversations that one can read."""

    list_display = ["beginning", "role", "state_badge", "assistant", "model", "seconds", "created_at"]
    list_select_related = ["assistant"]
    list_reads = ("text",)
    list_filter = ["role", "state", QualityFilter, ("created_at", PeriodFilter)]
    search_fields = ["text"]
    ordering = ["-id"]
    fields = [
        "conversation",
        ("role", "state_badge"),
        "full_text",
        ("error_code", "error_detail"),
        ("assistant", "why"),
        ("model", "prompt_tokens", "completion_tokens"),
        ("price", "currency", "seconds"),
        "created_at",
    ]
    readonly_fields = ["full_text", "state_badge"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        readable = readable_conversations(actor_of(request)).values("pk")
        return super().get_queryset(request).filter(conversation__in=readable)

    @display(description="Text")
    def beginning(self, obj: Message) -> SafeString:
        return format_html('<div class="oyl-beginning">{}</div>', obj.text or "–")

    @display(description="Text")
    def full_text(self, obj: Message) -> SafeString:
        return format_html('<div class="oyl-text" tabindex="0">{}</div>', obj.text)

    @display(description="State", ordering="state", label=STATES)
    def state_badge(self, obj: Message) -> str:
        return str(obj.state)


@admin.register(Feedback)
class FeedbackAdmin(SavesCases, WhoDisplay, ReadOnlyAdmin):
    """One's own; editors see that of all."""

    nothing_yet = "Answers are rated on the page “Chat”."
    list_display = ["rating_badge", "reason", "comment", "citation", "whose", "trace", "created_at"]
    list_reads = ("comment",)
    list_filter = ["rating", "reason", ("created_at", PeriodFilter)]
    search_fields = ["comment"]
    ordering = ["-created_at"]
    fields = [("rating_badge", "reason", "citation"), "comment", "question", "answer", "whose", "trace"]
    readonly_fields = ["rating_badge", "question", "answer", "trace"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = with_who(super().get_queryset(request)).select_related("message__trace", "message__parent")
        own = Q() if has_role(request, Role.EDITOR) else Q(owner=owner_of(actor_of(request)))
        return rows.filter(own).defer("message__trace__stages_json")

    @display(description="Rating", ordering="rating", label=RATINGS)
    def rating_badge(self, obj: Feedback) -> str:
        return str(obj.rating)

    @display(description="Question")
    def question(self, obj: Feedback) -> str:
        return obj.message.parent.text if obj.message.parent else "–"

    @display(description="Answer")
    def answer(self, obj: Feedback) -> SafeString:
        return format_html('<div class="oyl-text" tabindex="0">{}</div>', obj.message.text)

    @display(description="Trace", empty_value="–")
    def trace(self, obj: Feedback) -> SafeString | None:
        trace = getattr(obj.message, "trace", None)
        if trace is None:
            return None
        address = reverse("admin:conversations_trace_change", args=[trace.pk])
        return format_html('<a class="oyl-link" href="{}">Trace</a>', address)


class RetentionForm(TenantForm):
    def clean(self) -> dict[str, Any] | None:
        if self.instance._state.adding and Retention.objects.exists():
            raise ValidationError("There is one already. Change it instead.")
        return super().clean()

    def _get_validation_exclusions(self) -> set[str]:
        """The constraint's message would be that of a field which the form does not have."""
        return super()._get_validation_exclusions() | {"tenant"}


@admin.register(Retention)
class RetentionAdmin(AuditedAdmin):
    """At most one; without it, conversations are kept until they are deleted."""

    form = RetentionForm

    view_role = Role.ADMIN
    write_role = Role.ADMIN
    list_display = ["days", "updated_at"]
    ordering = ["days"]
    fields = ["days"]
