"""The audit log, read-only; and the base of admin pages whose models are saved and deleted by the audit services."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from unfold.contrib.filters.admin import FieldTextFilter, RangeDateTimeFilter

from audit import services
from audit.hourly import record_reads
from audit.models import AuditLog, PlatformEvent
from core.admin import TenantAdmin, UncountedAdmin, actor_of, display
from core.admin.base import OperatorPermissions
from core.permissions import Role


class AuditedAdmin(TenantAdmin):
    """For simple models: they and their inlines are saved and deleted with an audit event of the old and new values.
    An existing object's workspace is read-only, because its related objects belong to the same workspace."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fields = list(super().get_readonly_fields(request, obj))
        return [*fields, "workspace"] if obj and hasattr(obj, "workspace_id") else fields

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        services.save_audited(actor=actor_of(request), instance=obj, role=self._role)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for instance in formset.save(commit=False):
            services.save_audited(actor=actor_of(request), instance=instance, role=self._role)
        services.soft_delete_audited(
            actor=actor_of(request), instances=formset.deleted_objects, role=self._role
        )

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        services.soft_delete_audited(actor=actor_of(request), instances=[obj], role=self._role)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        services.soft_delete_audited(actor=actor_of(request), instances=list(queryset), role=self._role)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """For the confirmation page: the objects themselves, and what has to be deleted before them."""
        names = [str(obj) for obj in objs]
        return (
            names,
            {self.opts.verbose_name_plural: len(names)},
            set(),
            services.undeleted_dependents(list(objs)),
        )

    @property
    def _role(self) -> Role:
        return self.write_role or Role.OWNER


class RecordedReadsAdmin(TenantAdmin):
    """Base of pages of which each reading is an event, once an hour for each person."""

    read_event: ClassVar[str]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        page: HttpResponse = super().changelist_view(request, extra_context)
        record_reads(actor=actor_of(request), action=self.read_event)
        return page

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        page: HttpResponse = super().change_view(request, object_id, *args, **kwargs)
        record_reads(actor=actor_of(request), action=self.read_event)
        return page


@admin.register(AuditLog)
class AuditLogAdmin(RecordedReadsAdmin, UncountedAdmin):
    read_event = "audit_log.read"
    view_role = Role.ADMIN
    list_display = ["created_at", "action", "who", "object_type", "object_id"]
    list_filter = [("action", FieldTextFilter), ("created_at", RangeDateTimeFilter)]
    ordering = ["-created_at"]
    fields = ["created_at", "action", "who", "object_type", "object_id", "payload_json", "digest"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = services.with_user_emails(super().get_queryset(request)).annotate(
            actor=models.F("payload_json__actor")
        )
        return rows

    @display(description="Who", empty_value="OYL")
    def who(self, obj: Any) -> str:
        actor = obj.actor or {}
        return str(obj.user_email or f"{actor.get('kind', '')} {actor.get('credential', '')}".strip())


@admin.register(PlatformEvent)
class PlatformEventAdmin(OperatorPermissions, UncountedAdmin):
    list_display = ["created_at", "action", "who", "object_type", "object_id"]
    list_filter = [("action", FieldTextFilter), ("created_at", RangeDateTimeFilter)]
    ordering = ["-created_at"]
    fields = ["created_at", "action", "who", "object_type", "object_id", "payload_json"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        events: models.QuerySet[AuditLog] = super().get_queryset(request)
        return services.with_user_emails(events)

    @display(description="Who", empty_value="")
    def who(self, obj: Any) -> str:
        actor = obj.payload_json.get("actor", {})
        return str(obj.user_email or f"{actor.get('kind', '')} {actor.get('credential', '')}".strip())

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().change_view(request, object_id, extra_context={"show_history": False})

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Events have no events."""
        raise Http404
