"""The audit log and the platform's events, read-only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import FieldTextFilter, TextFilter

from audit import services
from audit.admin.base import RecordedReadsAdmin
from audit.differences import differences
from audit.models import AuditLog, PlatformEvent
from audit.sentences import Sentence, sentences
from audit.verification import verify
from core.admin import UncountedAdmin, action, actor_of, display
from core.admin.base import OperatorPermissions, PlainChangeList, redirect_or_htmx, show_domain_errors
from core.admin.exports import MAX_ROWS, csv_response, json_lines_response
from core.admin.filters import PeriodFilter
from core.admin.links import link_to
from core.json_values import json_text
from core.permissions import Role
from core.requests import opens_own_scopes

VERIFY = {
    "title": "Verify the audit log?",
    "description": "Every event is read and compared with its digest and its seal. Large logs take a minute.",
    "form_submit_text": "Verify",
}


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
            as_text = models.functions.Cast("payload_json", models.TextField())
            found: models.QuerySet[Any] = queryset.annotate(text=as_text).filter(text__icontains=value)
            return found


class EventList(PlainChangeList):
    """The events of a page have their sentences."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        events: list[Any] = list(self.result_list)
        for event, sentence in zip(events, sentences(events), strict=True):
            event.sentence = sentence
        self.result_list = events


class EventAdmin(UncountedAdmin):
    list_display = ["created_at", "what"]
    list_filter = [
        ActorFilter,
        ObjectFilter,
        ("action", FieldTextFilter),
        ("created_at", PeriodFilter),
    ]
    ordering = ["-created_at"]
    list_reads = ("payload_json",)
    fields = ["created_at", "what", "action", "changed", "object_type", "object_id", "payload_json"]
    actions = ["export_csv", "export_json_lines"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return services.with_user_emails(super().get_queryset(request))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PlainChangeList]:
        return EventList

    @admin.action(description="Export the selected events as CSV", permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponse:
        header = ("time", "what", "action", "object type", "object id", "payload")
        return csv_response("audit-log.csv", header, (tuple(row.values()) for row in _exported(queryset)))

    @admin.action(description="Export the selected events as JSON lines", permissions=["view"])
    def export_json_lines(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponse:
        return json_lines_response("audit-log.jsonl", _exported(queryset))

    @display(description="What")
    def what(self, obj: Any) -> SafeString:
        sentence: Sentence = getattr(obj, "sentence", None) or sentences([obj])[0]
        model, name = sentence.model, sentence.name
        if model and name:
            name = link_to(model, sentence.object_id, name)
        return format_html(
            '<span><strong class="font-medium text-important">{}</strong> {} {} {}</span>',
            sentence.subject,
            sentence.text,
            sentence.noun,
            name,
        )

    @display(description="Changed")
    def changed(self, obj: Any) -> SafeString:
        return differences(obj.payload_json)


def _exported(queryset: models.QuerySet[Any]) -> Iterator[dict[str, Any]]:
    events = list(queryset[:MAX_ROWS])
    for event, sentence in zip(events, sentences(events), strict=True):
        yield {
            "time": event.created_at.isoformat(),
            "what": str(sentence),
            "action": event.action,
            "object_type": event.object_type,
            "object_id": str(event.object_id or ""),
            "payload": json_text(event.payload_json),
        }


@admin.register(AuditLog)
class AuditLogAdmin(RecordedReadsAdmin, EventAdmin):
    read_event = "audit_log.read"
    view_role = Role.ADMIN
    fields = [*EventAdmin.fields, "digest"]
    actions_list = ["verify_log"]

    @action(description="Verify", url_path="verify", icon="verified", permissions=["view"], dialog=VERIFY)
    @opens_own_scopes
    @show_domain_errors
    def verify_log(self, request: HttpRequest, form: Any) -> HttpResponse:
        report = verify(actor_of(request).tenant_id)
        if report.problem:
            messages.error(request, f"The log is NOT as it was written. {report.problem.detail}")
        else:
            messages.success(request, f"{report.events:,} events are as they were written.")
        return redirect_or_htmx(request, reverse("admin:audit_auditlog_changelist"))


@admin.register(PlatformEvent)
class PlatformEventAdmin(OperatorPermissions, EventAdmin):
    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().change_view(request, object_id, extra_context={"show_history": False})

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Events have no events."""
        raise Http404
