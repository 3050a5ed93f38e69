"""The base of admin pages whose models are saved and deleted by the audit services."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.http import HttpRequest, HttpResponse

from audit import services
from audit.hourly import record_reads
from core.admin import TenantAdmin, actor_of
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
