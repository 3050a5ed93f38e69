"""Working on deliveries: each is sent until the receiver takes it, for three days; then its subscription is switched off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from audit.services import record
from core.actors import system_actor
from core.isolation.scope import tenant_scope
from jobs.handlers import JobHandler
from jobs.progress import JobProgress
from jobs.queue import end_in_error, lock_held
from jobs.states import JobState
from webhooks.errors import DeliveryError, WebhookUnreadableError
from webhooks.messages import failure_of, outgoing, send
from webhooks.models import WebhookAttempt, WebhookDelivery, WebhookSubscription
from webhooks.outbox import QUEUE, lock_subscriptions, wake_next

PATIENCE = timedelta(days=3)
NO_MORE = "webhook_gone"


class DeliveryHandler(JobHandler[WebhookDelivery]):
    model = WebhookDelivery
    queue = QUEUE

    def lock_subjects(self, jobs: Sequence[WebhookDelivery]) -> None:
        lock_subscriptions({job.subscription_id for job in jobs})

    def work(self, tenant_id: UUID, batch: Sequence[WebhookDelivery], progress: JobProgress) -> None:
        """Raises EngineError for what may be tried again."""
        (delivery,) = batch
        with tenant_scope(tenant_id):
            subscription = WebhookSubscription.with_deleted.get(pk=delivery.subscription_id)
            try:
                message = outgoing(subscription, delivery)
            except WebhookUnreadableError:
                raise DeliveryError("webhook_unreadable") from None
        attempt = send(message, delivery)
        with tenant_scope(tenant_id):
            attempt.save()
            if lock_held(self, [delivery]):
                self._react(delivery, attempt)
        if (failure := failure_of(attempt)) and failure.code != NO_MORE:
            raise failure

    def _react(self, delivery: WebhookDelivery, attempt: WebhookAttempt) -> None:
        subscription = WebhookSubscription.objects.filter(pk=delivery.subscription_id)
        failure = failure_of(attempt)
        if failure is None:
            WebhookDelivery.objects.filter(pk=delivery.pk).finish(JobState.DONE)
            subscription.update(failing_since=None, last_success_at=Now())
            wake_next({delivery.subscription_id})
            return
        subscription.update(failing_since=Coalesce("failing_since", Now()))
        if failure.code == NO_MORE:
            end_in_error(self, delivery, failure.code, str(failure))

    def progress_columns(self, stage: str, done: int, total: int) -> dict[str, Any]:
        return {}

    def tries(self, job: WebhookDelivery) -> int:
        return job.attempt - job.attempts_before

    def may_give_up(self, job: WebhookDelivery) -> bool:
        return job.started_at is not None and timezone.now() - job.started_at > PATIENCE

    def on_failure(self, job: WebhookDelivery, code: str, detail: str) -> None:
        """Nothing is lost: it goes on with this delivery when a person switches the subscription on again."""
        WebhookDelivery.objects.filter(pk=job.pk).wait(None, finished_at=None)
        _switch_off(job.subscription_id, detail)


def _switch_off(subscription_id: UUID, reason: str) -> None:
    """Inside a scope, with the subscription locked."""
    found = WebhookSubscription.objects.filter(pk=subscription_id, is_enabled=True).first()
    if found is None:
        return
    WebhookSubscription.objects.filter(pk=subscription_id).update(is_enabled=False, off_reason=reason)
    record(
        actor=system_actor(UUID(str(found.tenant_id)), "webhooks"),
        action="webhook_subscription.switched_off",
        target=found,
        workspace_id=found.workspace_id,
        reason=reason,
    )
