"""The base of simple models over REST, and the audit log."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from audit.hourly import record_reads
from audit.models import AuditLog
from audit.services import save_audited, soft_delete_audited
from core.api.views import WRITE, ReadViewSet, TenantViewSet
from core.permissions import Role


class AuditedViewSet(mixins.CreateModelMixin, mixins.UpdateModelMixin, mixins.DestroyModelMixin, ReadViewSet):
    """For models whose changes need no service of their own. There is no PUT: it would empty fields that a later release
    adds and that the caller does not know."""

    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    roles = WRITE

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        serializer.instance = self.validate_and_save(self.model(**serializer.validated_data))

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        for name, value in serializer.validated_data.items():
            setattr(serializer.instance, name, value)
        self.validate_and_save(serializer.instance)

    def perform_destroy(self, instance: Any) -> None:
        soft_delete_audited(actor=self.actor, instances=[instance], role=self.roles["DELETE"])

    def save_instance(self, instance: Any) -> None:
        save_audited(actor=self.actor, instance=instance, role=self.roles[str(self.request.method)])

    def validate_and_save(self, instance: Any) -> Any:
        """Raises ValidationError, and ForbiddenError when the API key is not bound to the instance."""
        instance.full_clean()
        self.save_instance(instance)
        self.check_bound(self.model._default_manager.filter(pk=instance.pk), self.bound_by)
        return instance


class RecordedReads(TenantViewSet):
    """Base of views of which each reading is an event, once an hour for each credential."""

    read_event: ClassVar[str]
    records_reads = True

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method == "GET":
            record_reads(actor=self.actor, action=self.read_event)


class AuditLogSerializer(serializers.ModelSerializer[AuditLog]):
    class Meta:
        model = AuditLog
        fields = (
            "id",
            "created_at",
            "action",
            "user_id",
            "workspace_id",
            "object_type",
            "object_id",
            "payload_json",
        )
        read_only_fields = fields


class AuditLogViewSet(RecordedReads, ReadViewSet):
    """Who did what, newest first."""

    model = AuditLog
    read_event = "audit_log.read"
    area = "audit"
    roles = {"GET": Role.ADMIN}
    serializer_class = AuditLogSerializer
    filterset_fields = {
        "action": ["exact"],
        "object_type": ["exact"],
        "object_id": ["exact"],
        "workspace_id": ["exact"],
        "created_at": ["gte", "lt"],
    }


ROUTES = {"audit-logs": AuditLogViewSet}
