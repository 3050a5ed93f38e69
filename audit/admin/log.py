"""The audit log and the platform's events, read-only."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import FieldTextFilter, RangeDateTimeFilter, TextFilter

from audit import services
from audit.admin.base import RecordedReadsAdmin
from audit.differences import differences
from audit.models import AuditLog, PlatformEvent
from audit.sentences import Sentence, sentences
from core.admin import UncountedAdmin, display
from core.admin.base import OperatorPermissions, PlainChangeList
from core.admin.links import link_to
from core.permissions import Role


class ActorFilter(TextFilter):
    title, parameter_name = "who (e-mail or key)", "who"

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        if not (value := self.value()):
            return queryset
        users = get_user_model().objects.filter(email__icontains=value)
        by_key = models.Q(payload_json__actor__credential__icontains=value)
        return queryset.filter(models.Q(user_id__in=users.values("pk")) | by_key)


class ObjectFilter(TextFilter):
    """By an id, which is in the address of the object's page, or by a word of the event, such as a name."""

    title, parameter_name = "object (id, name or any word)", "object"

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        if not (value := self.value()):
            return queryset
        try:
            return queryset.filter(object_id=UUID(value))
        except ValueError:
            return queryset.annotate(text=models.functions.Cast("payload_json", models.TextField())).filter(
                text__icontains=value
            )


class EventList(PlainChangeList):
    """The events of a page have their sentences."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        events = list(self.result_list)
        for event, sentence in zip(events, sentences(events), strict=True):
            event.sentence = sentence
        self.result_list = events  # type: ignore[assignment]


class EventAdmin(UncountedAdmin):
    list_display = ["created_at", "what"]
    list_filter = [
        ActorFilter,
        ObjectFilter,
        ("action", FieldTextFilter),
        ("created_at", RangeDateTimeFilter),
    ]
    ordering = ["-created_at"]
    list_reads = ("payload_json",)
    fields = ["created_at", "what", "action", "changed", "object_type", "object_id", "payload_json"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return services.with_user_emails(super().get_queryset(request))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PlainChangeList]:
        return EventList

    @display(description="What")
    def what(self, obj: Any) -> SafeString:
        sentence: Sentence = getattr(obj, "sentence", None) or sentences([obj])[0]
        is_linked = sentence.model and sentence.name
        name = link_to(sentence.model, sentence.object_id, sentence.name) if is_linked else sentence.name
        return format_html(
            '<strong class="font-medium text-important">{}</strong> {} {} {}',
            sentence.subject,
            sentence.text,
            sentence.noun,
            name,
        )

    @display(description="Changed")
    def changed(self, obj: Any) -> SafeString:
        return differences(obj.payload_json)


@admin.register(AuditLog)
class AuditLogAdmin(RecordedReadsAdmin, EventAdmin):
    read_event = "audit_log.read"
    view_role = Role.ADMIN
    fields = [*EventAdmin.fields, "digest"]


@admin.register(PlatformEvent)
class PlatformEventAdmin(OperatorPermissions, EventAdmin):
    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().change_view(request, object_id, extra_context={"show_history": False})

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Events have no events."""
        raise Http404
