"""Making subscriptions, changing their secrets, testing them, and sending deliveries again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import models
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from audit.services import record, save_audited
from core.actors import Actor
from core.errors import ForbiddenError
from core.isolation.scope import tenant_scope
from core.outbound import OutboundError
from core.outbound.client import checked_url
from core.permissions import Role, scope
from core.webhook_signatures import new_secret
from jobs.states import UNFINISHED, JobState
from webhooks.errors import DeliveryStateError, WebhookAddressError, WebhookUnreadableError
from webhooks.events import AREAS, QUOTAS
from webhooks.messages import OVERLAP, outgoing, send, stored_config
from webhooks.models import WebhookAttempt, WebhookDelivery, WebhookSubscription
from webhooks.outbox import lock_subscriptions, put_to_rest, wake_next

TEST = "webhook.test"


@sensitive_variables()
def save_subscription(*, actor: Actor, subscription: WebhookSubscription, url: str = "") -> str:
    """Make or change one; without `url` the address stays. Returns the new secret, which is never shown again, or "".
    Raises ForbiddenError, WebhookAddressError and PasswordNeededError."""
    actor.require(Role.ADMIN)
    _check_reach(actor, subscription.events_json)
    config, secret = _config(subscription), ""
    if url or not config:
        subscription.host = _host(url)
        secret = "" if config else new_secret()
        config = {**config, "url": url, **({"secret": secret} if secret else {})}
        subscription.config_encrypted_json = config
    if subscription.is_enabled:
        subscription.off_reason, subscription.failing_since = "", None
    with tenant_scope(actor.tenant_id):
        lock_subscriptions([subscription.pk])
        save_audited(actor=actor, instance=subscription, role=Role.ADMIN)
        put_to_rest(subscription.pk) if not subscription.is_enabled else wake_next([subscription.pk])
    return secret


@sensitive_variables()
def rotate_secret(*, actor: Actor, subscription: WebhookSubscription) -> str:
    """Returns the new secret. Messages are signed with the previous one, too, for a day. Raises ForbiddenError,
    WebhookUnreadableError and PasswordNeededError."""
    _check_reach(actor, subscription.events_json)
    config, secret = stored_config(subscription), new_secret()
    until = (timezone.now() + OVERLAP).isoformat()
    subscription.config_encrypted_json = {
        **config,
        "secret": secret,
        "previous": config["secret"],
        "previous_until": until,
    }
    action = "webhook_subscription.secret_rotated"
    save_audited(actor=actor, instance=subscription, action=action, role=Role.ADMIN)
    return secret


@sensitive_variables()
def _config(subscription: WebhookSubscription) -> dict[str, Any]:
    """{} if there is none, or none that can be read."""
    try:
        return stored_config(subscription)
    except WebhookUnreadableError:
        return {}


def _host(url: str) -> str:
    try:
        return checked_url(url).host
    except OutboundError:
        raise WebhookAddressError from None


def _check_reach(actor: Actor, events: Sequence[str]) -> None:
    """A key subscribes only to what its scopes let it read, and gets no secret of other messages. Raises ForbiddenError."""
    for area, types in AREAS.items():
        if {*types} & {*events} and not actor.may(area, writes=False):
            raise ForbiddenError(f"Your key lacks the scope '{scope(area)}' for some of the events.")
    if actor.bound and {*QUOTAS} & {*events}:
        raise ForbiddenError(
            "Your key is bound to one object: it does not follow the quotas of the organisation."
        )


def end_deliveries(*, actor: Actor, instances: Sequence[models.Model]) -> None:
    """Inside the transaction that deletes subscriptions: what has not been sent is not sent any more."""
    ids = {one.pk for one in instances if isinstance(one, WebhookSubscription)}
    if ids:
        lock_subscriptions(ids)
        rows = WebhookDelivery.objects.filter(subscription__in=ids, state__in=UNFINISHED)
        rows.locked().finish(JobState.CANCELLED, available_at=None)


def send_test(*, actor: Actor, subscription_id: UUID) -> WebhookAttempt:
    """Send a message of the type `webhook.test` now, whether the subscription is on or off. Not inside a scope. Raises
    ForbiddenError and WebhookUnreadableError."""
    actor.require(Role.ADMIN)
    now = timezone.now()
    with tenant_scope(actor.tenant_id):
        subscription = WebhookSubscription.objects.get(pk=subscription_id)
        delivery = WebhookDelivery(
            subscription=subscription,
            type=TEST,
            happened_at=now,
            data_json={"workspace": str(subscription.workspace_id)},
            available_at=None,
            started_at=now,
            attempt=1,
        )
        message = outgoing(subscription, delivery)
    attempt = send(message, delivery)
    delivery.state = JobState.DONE if attempt.succeeded else JobState.ERROR
    delivery.error_code, delivery.error_detail = attempt.error_code, attempt.error_detail
    delivery.finished_at = timezone.now()
    with tenant_scope(actor.tenant_id):
        delivery.save()
        attempt.save()
        record(
            actor=actor,
            action="webhook_subscription.tested",
            target=subscription,
            workspace_id=subscription.workspace_id,
            status=attempt.status,
            code=attempt.error_code,
        )
    return attempt


def replay(*, actor: Actor, delivery: WebhookDelivery) -> WebhookDelivery:
    """Send a message that was sent, or passed over, again, with the same id. Raises ForbiddenError and
    DeliveryStateError."""
    ended = (JobState.DONE, JobState.ERROR, JobState.CANCELLED)
    detail = "It is not sent yet. Wait until it is, or cancel it first."
    with tenant_scope(actor.tenant_id):
        rows = _changeable(actor, delivery, ended, detail)
        rows.wait(None, finished_at=None, error_code="", error_detail="")
        return _changed(actor, delivery, "replayed")


def cancel(*, actor: Actor, delivery: WebhookDelivery) -> WebhookDelivery:
    """Pass over a message that the receiver does not take, so that the later ones are sent. Raises ForbiddenError and
    DeliveryStateError."""
    with tenant_scope(actor.tenant_id):
        rows = _changeable(actor, delivery, UNFINISHED, "It has ended already.")
        rows.finish(JobState.CANCELLED, available_at=None)
        return _changed(actor, delivery, "cancelled")


def _changeable(actor: Actor, delivery: WebhookDelivery, states: Sequence[JobState], detail: str) -> Any:
    """Inside a scope: the row, locked with its subscription."""
    actor.require(Role.ADMIN)
    lock_subscriptions([delivery.subscription_id])
    rows = WebhookDelivery.objects.filter(pk=delivery.pk, number__isnull=False, state__in=states)
    if not rows.lock():
        raise DeliveryStateError(detail if delivery.number else "Tests are not sent again: send another one.")
    return WebhookDelivery.objects.filter(pk=delivery.pk)


def _changed(actor: Actor, delivery: WebhookDelivery, verb: str) -> WebhookDelivery:
    action = f"webhook_delivery.{verb}"
    record(actor=actor, action=action, target=delivery, workspace_id=delivery.owning_workspace_id)
    wake_next([delivery.subscription_id])
    found: WebhookDelivery = WebhookDelivery.objects.get(pk=delivery.pk)
    return found
