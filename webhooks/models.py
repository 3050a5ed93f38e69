"""Subscriptions, what is delivered to them, and each attempt to do so."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from core.bounded_fields import BoundedJSONField
from core.encryption.fields import EncryptedJSONField
from core.isolation.fields import NamedIndex, TenantForeignKey
from core.limits import Limit
from core.models import SoftDeleteModel, TenantModel, unique_alive
from core.name_fields import NameField
from jobs.models import LeasedJob, job_constraints, job_indexes
from jobs.states import JobState
from webhooks.events import TYPES
from workspaces.models import Workspace

TYPE_LENGTH = 64


class WebhookSubscription(SoftDeleteModel):
    """`config_encrypted_json` has the `url` and the `secret`, and after a change of the secret the `previous` one, which
    signs, too, until `previous_until`."""

    limit = Limit(50, "workspace")

    workspace = TenantForeignKey(Workspace, related_name="webhook_subscriptions")
    name = NameField(max_length=255)
    config_encrypted_json = EncryptedJSONField("address and secret", null=True, blank=True)
    host = models.CharField(max_length=255, blank=True, editable=False)
    events_json = BoundedJSONField("events", default=list)
    with_texts = models.BooleanField(
        "with texts",
        default=False,
        help_text="Send names, comments and texts, too. Otherwise what is sent has only ids, states and times.",
    )
    is_enabled = models.BooleanField("on", default=True)
    off_reason = models.TextField("why it is off", blank=True, editable=False)
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    last_success_at = models.DateTimeField("last success", null=True, blank=True, editable=False)

    class Meta(SoftDeleteModel.Meta):
        verbose_name = "webhook"
        db_table = "webhook_subscriptions"
        constraints = [unique_alive("webhook_subscriptions", "workspace", "name")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        wanted = self.events_json
        if not isinstance(wanted, list) or not wanted:
            raise ValidationError({"events_json": "Choose the events to send: a list with at least one."})
        if unknown := sorted({str(one) for one in wanted} - {*TYPES}):
            detail = f"There are no such events: {', '.join(unknown)}. There are: {', '.join(TYPES)}."
            raise ValidationError({"events_json": detail})


class WebhookDelivery(LeasedJob):
    """One message for one subscription. At most one of a subscription is queued or running; the later ones wait behind it,
    in the order of their `number`: that of the event in the audit log. Tests have none.

    `data_json` is what is sent as `data`, without the texts, which are read when it is sent and kept nowhere.
    `attempts_before` is the fencing token with which its present series of attempts began.
    """

    subscription = TenantForeignKey(WebhookSubscription, related_name="deliveries", verbose_name="webhook")
    number = models.BigIntegerField(null=True, blank=True)
    type = models.CharField("event", max_length=TYPE_LENGTH)
    happened_at = models.DateTimeField()
    data_json = models.JSONField("data", default=dict, blank=True)
    attempts_before = models.PositiveIntegerField(default=0)

    class Meta(LeasedJob.Meta):
        verbose_name_plural = "webhook deliveries"
        db_table = "webhook_deliveries"
        constraints = [
            *job_constraints("webhook_deliveries"),
            models.UniqueConstraint(fields=["subscription", "number"], name="webhook_deliveries_number_key"),
            models.UniqueConstraint(
                fields=["subscription"],
                condition=Q(state__in=[JobState.QUEUED, JobState.RUNNING]),
                name="webhook_deliveries_one_at_a_time",
            ),
        ]
        indexes = [
            *job_indexes("webhook_deliveries"),
            NamedIndex(
                fields=["subscription", "number"],
                condition=Q(state=JobState.WAITING),
                name="idx_webhook_deliveries_waiting",
            ),
            NamedIndex(fields=["tenant", "finished_at"], name="idx_webhook_deliveries_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.number}" if self.number else self.type

    @property
    def owning_workspace_id(self) -> UUID | None:
        found: UUID = self.subscription.workspace_id
        return found


class WebhookAttempt(TenantModel):
    """What was sent, and what came back. `status` is 0 and `error_detail` says why if there was no answer."""

    delivery = TenantForeignKey(WebhookDelivery, related_name="attempts")
    milliseconds = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField(default=0)
    request_headers_json = models.JSONField("request headers", default=dict)
    response_headers_json = models.JSONField("response headers", default=dict)
    response_text = models.TextField("beginning of the response", blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_detail = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        db_table = "webhook_attempts"
        indexes = [NamedIndex(fields=["delivery", "created_at"], name="idx_webhook_attempts_delivery")]

    def __str__(self) -> str:
        return str(self.status or self.error_code)

    @property
    def succeeded(self) -> bool:
        return not self.error_code
