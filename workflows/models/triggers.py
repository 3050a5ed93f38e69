"""Triggers: what starts runs of a workflow without a person, and what they have started."""

from __future__ import annotations

from django.db import models

from core.bounded_fields import BoundedJSONField
from core.isolation.fields import TenantForeignKey
from core.limits import Limit
from core.models import SoftDeleteModel, TenantModel, one_of, unique_alive
from core.name_fields import NameField
from workflows.models.definitions import Workflow


class TriggerKind(models.TextChoices):
    SCHEDULE = "schedule"
    WEBHOOK = "webhook"
    DOCUMENT = "document", "Document event"
    FEEDBACK = "feedback", "Feedback event"


class Trigger(SoftDeleteModel):
    limit = Limit(100, "workflow")
    part_of = "workflow"

    workflow = TenantForeignKey(Workflow, related_name="triggers")
    name = NameField(max_length=255)
    kind = models.CharField(max_length=16, choices=TriggerKind.choices)
    is_enabled = models.BooleanField("on", default=True)
    config_json = BoundedJSONField("configuration", default=dict, blank=True)
    last_at = models.DateTimeField("last run", null=True, blank=True)
    next_at = models.DateTimeField("next run", null=True, blank=True)
    error_detail = models.TextField(blank=True)

    class Meta(SoftDeleteModel.Meta):
        db_table = "triggers"
        constraints = [
            unique_alive("triggers", "workflow", "name"),
            one_of("triggers", "kind", TriggerKind),
        ]

    def __str__(self) -> str:
        return self.name


class TriggerEvent(TenantModel):
    """What a trigger has reacted to. `key` is the event's own, such as the time of a tick: it starts one run at most."""

    trigger = TenantForeignKey(Trigger, related_name="events")
    key = models.CharField(max_length=255)
    run = TenantForeignKey("workflows.WorkflowRun", "SET NULL", null=True, blank=True, related_name="+")
    error_detail = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        db_table = "trigger_events"
        constraints = [models.UniqueConstraint(fields=["trigger", "key"], name="trigger_events_key")]

    def __str__(self) -> str:
        return self.key
