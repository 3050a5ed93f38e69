"""Approvals: questions of runs to people."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.bounded_fields import BoundedJSONField, BoundedTextField
from core.isolation.fields import NamedIndex, TenantForeignKey, TenantOneToOneField
from core.models import TenantModel, one_of
from core.permissions import Role
from workflows.models.runs import StepRun, WorkflowRun


class ApprovalState(models.TextChoices):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Approval(TenantModel):
    """People who have at least the `role` may decide; if `user_ids_json` names some, only those."""

    run = TenantForeignKey(WorkflowRun, related_name="approvals")
    step_run = TenantOneToOneField(StepRun, related_name="approval")
    state = models.CharField(max_length=16, choices=ApprovalState.choices, default=ApprovalState.PENDING)
    question = BoundedTextField()
    shown_json = models.JSONField("what is decided on", null=True, blank=True)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.EDITOR)
    user_ids_json = BoundedJSONField("people", default=list, blank=True)
    remind_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    decided_by_id = models.UUIDField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    comment = BoundedTextField(blank=True)

    class Meta(TenantModel.Meta):
        db_table = "approvals"
        constraints = [
            one_of("approvals", "state", ApprovalState),
            one_of("approvals", "role", Role),
        ]
        indexes = [
            NamedIndex(
                fields=["tenant", "created_at"],
                condition=Q(state=ApprovalState.PENDING),
                name="idx_approvals_pending",
            ),
        ]

    def __str__(self) -> str:
        return str(self.question)[:80]
