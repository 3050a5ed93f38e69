"""Incoming webhooks: `/api/v1/hooks/{tenant}/{trigger}/{token}/`.

The token and the secret for signatures are derived from the trigger's id, the number of its secret, and Django's SECRET_KEY,
so that no table has them. The token begins with that number: a wrong one is refused before the database is asked.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac
from standardwebhooks import Webhook, WebhookVerificationError

from core.api.parsers import load_json
from core.errors import ForbiddenError, InvalidError, NotFoundError
from core.isolation.scope import tenant_scope
from core.json_values import why_not_storable
from core.rate_limits import Quota, RateLimitResult, rate_limiter
from workflows.models import Trigger, TriggerEvent, TriggerKind
from workflows.triggers.occurrences import ON, add_events, new_event

MAX_BYTES = 64 << 10
MAX_ID_LENGTH = 200
NO_ADDRESS = "There is no such address, or it is off."


def address_of(trigger: Trigger) -> str:
    return f"{settings.OYL_URL}/api/v1/hooks/{trigger.tenant_id}/{trigger.pk}/{_token(trigger.pk, trigger.secret_number)}/"


def secret_of(trigger: Trigger) -> str:
    """As Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(_derived("signature", trigger.pk, trigger.secret_number)).decode()


def _token(trigger_id: UUID, number: int) -> str:
    derived = base64.urlsafe_b64encode(_derived("address", trigger_id, number)).decode().rstrip("=")
    return f"{number}.{derived}"


def _derived(use: str, trigger_id: UUID, number: int) -> bytes:
    subject = f"{trigger_id}/{number}"
    return salted_hmac(f"workflows.webhook.{use}", subject, algorithm="sha256").digest()


def counted(trigger_id: UUID) -> RateLimitResult:
    """Count a request to the address of a trigger."""
    subject = f"hook/{trigger_id}"
    return rate_limiter().count(
        [Quota("webhook", settings.WORKFLOW_WEBHOOK_REQUESTS, subject)], credential=subject
    )


def secret_number_of(trigger_id: UUID, token: str) -> int:
    """The number in an address. Raises NotFoundError if OYL has made no such address."""
    number = token.partition(".")[0]
    if not number.isdecimal() or not constant_time_compare(token, _token(trigger_id, int(number[:9]))):
        raise NotFoundError(NO_ADDRESS)
    return int(number)


def receive(
    *, tenant_id: UUID, trigger_id: UUID, number: int, body: bytes, headers: Mapping[str, str]
) -> UUID:
    """Store what was sent, for a run that starts soon; returns the id of the event, which for a message that was sent before
    is the same. Raises NotFoundError, ForbiddenError, InvalidError."""
    with tenant_scope(tenant_id):
        webhooks = Trigger.objects.filter(ON, kind=TriggerKind.WEBHOOK, secret_number=number)
        trigger = webhooks.filter(pk=trigger_id).first()
        if trigger is None:
            raise NotFoundError(NO_ADDRESS)
        if trigger.config_json.get("signed"):
            _check_signature(trigger, body, headers)
        payload = {"body": _parsed(body, headers.get("Content-Type", ""))}
        key = headers.get("webhook-id", "")[:MAX_ID_LENGTH] or str(uuid4())
        add_events([new_event(trigger, f"webhook {key}", payload)])
        found: UUID = TriggerEvent.objects.values_list("pk", flat=True).get(
            trigger=trigger, key=f"webhook {key}"
        )
    return found


def _check_signature(trigger: Trigger, body: bytes, headers: Mapping[str, str]) -> None:
    """Also that it was made in the last five minutes."""
    try:
        Webhook(secret_of(trigger)).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, UnicodeDecodeError, binascii.Error, ValueError) as error:
        raise ForbiddenError(f"The signature is not valid (Standard Webhooks): {error}.") from error


def _parsed(body: bytes, content_type: str) -> Any:
    """JSON, unless another type is named; then a text. Raises ParseError, TooLarge, InvalidError."""
    if "json" in content_type or not content_type:
        return load_json(body)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise InvalidError("The body is neither JSON nor a text in UTF-8.") from error
    if why := why_not_storable(text):
        raise InvalidError(f"{why}: OYL cannot keep it.")
    return text
