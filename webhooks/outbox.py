"""From sealed events to deliveries, and which delivery of a subscription is the next.

A subscription's deliveries are in the order of the audit log, because events are sealed by one process at a time, after
they were committed. One of them at a time is queued or running; when it has ended, the next is woken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import F

from audit.models import AuditLog, AuditSeal
from core.bulk_sql import insert_instances
from jobs.queue import notify_workers
from jobs.states import JobState
from webhooks.events import QUOTAS, facts_of
from webhooks.models import WebhookDelivery, WebhookSubscription

QUEUE = "webhooks"


def on_sealed(seals: Sequence[AuditSeal]) -> None:
    """Inside the transaction that seals these events: add the deliveries of each subscription that wants one of them."""
    subscriptions = list(WebhookSubscription.objects.filter(is_enabled=True, workspace__deleted_at=None))
    wanted = {name for one in subscriptions for name in one.events_json}
    if not wanted:
        return
    numbers = {seal.audit_log_id: seal.sequence for seal in seals}
    events = sorted(
        AuditLog.objects.filter(pk__in=numbers, action__in=wanted), key=lambda event: numbers[event.pk]
    )
    new = [
        _delivery(subscription, event, numbers[event.pk])
        for event in events
        for subscription in subscriptions
        if event.action in subscription.events_json and _is_for(subscription, event)
    ]
    insert_instances(new)
    wake_next({one.subscription_id for one in new})


def _is_for(subscription: WebhookSubscription, event: AuditLog) -> bool:
    """Whether it is of the subscription's workspace. Quotas are of the whole organisation."""
    return event.workspace_id == subscription.workspace_id or event.action in QUOTAS


def _delivery(subscription: WebhookSubscription, event: AuditLog, number: int) -> WebhookDelivery:
    data = {"id": number, "workspace": event.workspace_id, **facts_of(event)}
    return WebhookDelivery(
        subscription=subscription,
        number=number,
        type=event.action,
        happened_at=event.created_at,
        data_json={name: value for name, value in data.items() if value is not None},
        state=JobState.WAITING,
        available_at=None,
    )


def lock_subscriptions(ids: Iterable[UUID]) -> list[WebhookSubscription]:
    """Inside a scope. They are locked before their deliveries, always in the same order."""
    rows = WebhookSubscription.with_deleted.filter(pk__in=[*ids]).order_by("pk")
    return list(rows.select_for_update(no_key=True).defer("config_encrypted_json"))


def wake_next(ids: Iterable[UUID]) -> None:
    """Inside a scope: let the first waiting delivery of each of these subscriptions be claimed, if it is on and none is
    under way."""
    under_way = (JobState.QUEUED, JobState.RUNNING)
    for subscription in lock_subscriptions(ids):
        rows = WebhookDelivery.objects.filter(subscription=subscription)
        if not subscription.is_enabled or rows.filter(state__in=under_way).exists():
            continue
        first = rows.filter(state=JobState.WAITING).order_by("number").values_list("pk", flat=True).first()
        rows.filter(pk=first).queue_again(timedelta(0), started_at=None, attempts_before=F("attempt"))
        if first:
            transaction.on_commit(partial(notify_workers, QUEUE))


def put_to_rest(subscription_id: UUID) -> None:
    """Inside a scope: let the delivery that is queued wait, because its subscription was switched off."""
    rows = WebhookDelivery.objects.filter(subscription=subscription_id, state=JobState.QUEUED)
    rows.wait(None)
