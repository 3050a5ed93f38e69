"""One call of every service of `webhooks`, as in `calls`. Nothing is sent: the address of the receiver may not be called."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils import timezone

from core.actors import Actor
from core.permissions import Role
from jobs.states import JobState
from tests.proof.tampering.call_context import Call, CallContext
from webhooks import services
from webhooks.models import WebhookDelivery, WebhookSubscription

URL = "https://127.0.0.1/"


def save_subscription(context: CallContext) -> Call:
    subscription = _new(context)
    return Call(
        make=lambda: services.save_subscription(actor=context.actor, subscription=subscription, url=URL),
        is_done=context.has(WebhookSubscription, name=context.name),
    )


def rotate_secret(context: CallContext) -> Call:
    subscription = _stored(context)
    return Call(make=lambda: services.rotate_secret(actor=context.actor, subscription=subscription))


def send_test(context: CallContext) -> Call:
    subscription = _stored(context)
    return Call(
        make=lambda: services.send_test(actor=context.actor, subscription_id=subscription.pk),
        is_done=context.has(WebhookDelivery, subscription=subscription, type=services.TEST),
    )


def replay(context: CallContext) -> Call:
    delivery = _delivery(context, JobState.DONE)
    return Call(
        make=lambda: services.replay(actor=context.actor, delivery=delivery),
        is_done=context.has(WebhookDelivery, pk=delivery.pk, state=JobState.QUEUED),
    )


def cancel(context: CallContext) -> Call:
    delivery = _delivery(context, JobState.WAITING)
    return Call(
        make=lambda: services.cancel(actor=context.actor, delivery=delivery),
        is_done=context.has(WebhookDelivery, pk=delivery.pk, state=JobState.CANCELLED),
    )


def end_deliveries(context: CallContext) -> Call:
    delivery = _delivery(context, JobState.WAITING)
    subscription = delivery.subscription

    def end() -> None:
        with context.scope():
            services.end_deliveries(actor=context.actor, instances=[subscription])

    return Call(make=end, events=0)


def _maker(context: CallContext) -> Actor:
    return replace(context.actor, role=Role.OWNER)


def _new(context: CallContext) -> WebhookSubscription:
    made: WebhookSubscription = context.add(
        lambda: WebhookSubscription(
            workspace=context.workspace, name=context.name, events_json=["document.failed"]
        )
    )
    return made


def _stored(context: CallContext) -> WebhookSubscription:
    subscription = _new(context)
    services.save_subscription(actor=_maker(context), subscription=subscription, url=URL)
    return subscription


def _delivery(context: CallContext, state: JobState) -> WebhookDelivery:
    subscription = _stored(context)

    def made() -> Any:
        return WebhookDelivery.objects.create(
            subscription=subscription,
            number=1,
            type="document.failed",
            happened_at=timezone.now(),
            state=state,
            available_at=None,
        )

    delivery: WebhookDelivery = context.add(made)
    return delivery
