"""Triggers: what starts runs of a workflow without a person, and what they have reacted to."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models

from core.bounded_fields import BoundedJSONField
from core.isolation.fields import TenantForeignKey
from core.limits import Limit
from core.models import SoftDeleteModel, one_of, unique_alive
from core.name_fields import NameField
from jobs.models import LeasedJob, job_constraints, job_indexes
from workflows.models.definitions import Workflow


class TriggerKind(models.TextChoices):
    SCHEDULE = "schedule"
    WEBHOOK = "webhook"
    DOCUMENT = "document", "Document event"
    FEEDBACK = "feedback", "Feedback event"


class Trigger(SoftDeleteModel):
    """`config_json` has the form that `workflows.triggers.configs` gives for the kind. The address and the secret of a
    webhook follow from its id and `secret_number`, which increases when they are replaced."""

    limit = Limit(100, "workflow")
    part_of = "workflow"

    workflow = TenantForeignKey(Workflow, related_name="triggers")
    name = NameField(max_length=255)
    kind = models.CharField(max_length=16, choices=TriggerKind.choices)
    is_enabled = models.BooleanField("on", default=True)
    config_json = BoundedJSONField("configuration", default=dict, blank=True)
    secret_number = models.PositiveIntegerField(default=0, editable=False)
    last_at = models.DateTimeField("last run", null=True, blank=True, editable=False)
    next_at = models.DateTimeField("next run", null=True, blank=True, editable=False)
    error_detail = models.TextField("last error", blank=True, editable=False)

    class Meta(SoftDeleteModel.Meta):
        db_table = "triggers"
        constraints = [
            unique_alive("triggers", "workflow", "name"),
            one_of("triggers", "kind", TriggerKind),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        from workflows.triggers.configs import config_problems

        if found := config_problems(self.kind, self.config_json):
            raise ValidationError({"config_json": found})


class TriggerEvent(LeasedJob):
    """What a trigger reacts to, as a job that starts a run. `key` is the event's own, such as the time of a tick: it starts
    one run at most. The event of a schedule's next tick waits until then."""

    trigger = TenantForeignKey(Trigger, related_name="events")
    key = models.CharField(max_length=255)
    payload_json = models.JSONField("what has happened", default=dict, blank=True)
    run = TenantForeignKey("workflows.WorkflowRun", "SET NULL", null=True, blank=True, related_name="+")

    class Meta(LeasedJob.Meta):
        db_table = "trigger_events"
        constraints = [
            *job_constraints("trigger_events"),
            models.UniqueConstraint(fields=["trigger", "key"], name="trigger_events_key"),
        ]
        indexes = job_indexes("trigger_events")

    def __str__(self) -> str:
        return self.key
