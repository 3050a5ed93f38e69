"""The audit log: append-only events, each with a digest, and the seals that fix their order."""

from __future__ import annotations

from django.db import models

from core.isolation.fields import NamedIndex, TenantForeignKey
from core.models import TenantModel, new_id


class AuditLog(TenantModel):
    """One event. `workspace_id` and `user_id` are plain ids: an event outlives the rows that it names. `digest` is an HMAC
    over the row's columns; `AuditSeal` gives the event its place in the chain."""

    workspace_id = models.UUIDField(null=True, blank=True)
    user_id = models.UUIDField(null=True, blank=True)
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64, blank=True)
    object_id = models.UUIDField(null=True, blank=True)
    payload_json = models.JSONField(default=dict)
    created_at = models.DateTimeField(editable=False)
    digest = models.CharField(max_length=64, editable=False)

    class Meta(TenantModel.Meta):
        verbose_name, verbose_name_plural = "audit event", "audit log"
        db_table = "audit_logs"
        indexes = [
            NamedIndex(fields=["tenant", "-created_at"], name="idx_audit_logs_tenant_created"),
            NamedIndex(fields=["tenant", "object_id"], name="idx_audit_logs_tenant_object"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.created_at:%Y-%m-%d %H:%M:%S}"


class PlatformEvent(models.Model):
    """What belongs to no tenant: sign-ins, and what operators do. No tenant reads it: its rows are visible only in a
    platform scope. An object may be a tenant."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    user_id = models.UUIDField(null=True, blank=True)
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64, blank=True)
    object_id = models.UUIDField(null=True, blank=True)
    payload_json = models.JSONField(default=dict)

    class Meta:
        db_table = "platform_events"
        indexes = [
            models.Index(fields=["-created_at"], name="idx_platform_events_created"),
            models.Index(fields=["action", "-created_at"], name="idx_platform_events_action"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.created_at:%Y-%m-%d %H:%M:%S}"


class AuditSeal(TenantModel):
    """An event's place in its tenant's chain: `seal` is an HMAC over the previous seal, the sequence and the event's
    digest. `audit.sealing` writes it shortly after the event."""

    sequence = models.BigIntegerField()
    audit_log = TenantForeignKey(AuditLog, "RESTRICT", related_name="+")
    seal = models.CharField(max_length=64)

    class Meta(TenantModel.Meta):
        db_table = "audit_seals"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "sequence"], name="audit_seals_sequence_key"),
            models.UniqueConstraint(fields=["tenant", "audit_log"], name="audit_seals_audit_log_key"),
        ]

    def __str__(self) -> str:
        return f"#{self.sequence}"
