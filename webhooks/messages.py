"""A message as it goes over the wire, and sending it once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from core.encryption.fields import SecretMovedError, SecretUnreadableError
from core.errors import EngineError
from core.json_values import json_text, storable_text
from core.outbound import Deadline, OutboundError
from core.webhook_signatures import signed_headers
from webhooks.errors import DeliveryError, WebhookUnreadableError
from webhooks.models import WebhookAttempt, WebhookDelivery, WebhookSubscription
from webhooks.texts import texts_of
from workflows.steps.http_request import client

SECONDS = 10.0
# After a change of the secret, the previous one signs, too, for so long.
OVERLAP = timedelta(days=1)
RESPONSE_BYTES, RESPONSE_LENGTH = 100_000, 2_000
SHOWN_HEADERS = ("content-type", "retry-after", "server", "x-request-id")
GONE = 410


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message, before it is signed."""

    message_id: str
    url: str = field(repr=False)
    keys: tuple[str, ...] = field(repr=False)
    body: bytes = field(repr=False)


@sensitive_variables()
def stored_config(subscription: WebhookSubscription) -> dict[str, Any]:
    """The address and the secrets. Raises WebhookUnreadableError."""
    try:
        stored = subscription.config_encrypted_json and subscription.config_encrypted_json.decrypt()
    except (SecretUnreadableError, SecretMovedError):
        stored = None
    if not stored or not {"url", "secret"} <= set(stored):
        raise WebhookUnreadableError
    return dict(stored)


@sensitive_variables()
def outgoing(subscription: WebhookSubscription, delivery: WebhookDelivery) -> Outgoing:
    """Inside a scope. Raises WebhookUnreadableError."""
    config, data = stored_config(subscription), delivery.data_json
    keys = [config["secret"]]
    if config.get("previous") and datetime.fromisoformat(config["previous_until"]) > timezone.now():
        keys.append(config["previous"])
    if subscription.with_texts:
        data = {**data, "texts": texts_of(data)}
    body = {"type": delivery.type, "timestamp": delivery.happened_at.isoformat(), "data": data}
    return Outgoing(str(delivery.pk), config["url"], tuple(keys), json_text(body).encode())


@sensitive_variables()
def send(message: Outgoing, delivery: WebhookDelivery) -> WebhookAttempt:
    """Outside of a scope: send it once. The attempt, which is not stored yet, says what came back."""
    begun, now = time.monotonic(), datetime.now(UTC)
    headers = {
        "content-type": "application/json",
        **signed_headers(message.message_id, now, message.body, message.keys),
    }
    attempt = WebhookAttempt(tenant_id=delivery.tenant_id, delivery=delivery, request_headers_json=headers)
    try:
        _exchange(message, headers, attempt)
    except (OutboundError, DeliveryError) as error:
        attempt.error_code, attempt.error_detail = error.code, error.detail
    attempt.milliseconds = int((time.monotonic() - begun) * 1000)
    return attempt


def failure_of(attempt: WebhookAttempt) -> EngineError | None:
    """The error that an attempt has ended with."""
    return DeliveryError(attempt.error_code, attempt.error_detail) if attempt.error_code else None


def _exchange(message: Outgoing, headers: Mapping[str, str], attempt: WebhookAttempt) -> None:
    """Raises OutboundError, and DeliveryError for an answer that is no 2xx."""
    deadline = Deadline(SECONDS)
    with client(RESPONSE_BYTES).stream(
        "POST", message.url, headers=headers, body=message.body, deadline=deadline
    ) as response:
        attempt.status = response.status
        attempt.response_headers_json = {
            name: response.headers[name] for name in SHOWN_HEADERS if name in response.headers
        }
        beginning = next(iter(response.body), b"")
    attempt.response_text = storable_text(beginning.decode("utf-8", "replace"))[:RESPONSE_LENGTH]
    if attempt.status == GONE:
        raise DeliveryError("webhook_gone")
    if not 200 <= attempt.status < 300:
        raise DeliveryError("webhook_status", status=attempt.status)
