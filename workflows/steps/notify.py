"""Mails and webhooks."""

from __future__ import annotations

import hashlib
from smtplib import SMTPException

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.utils import timezone

from core.json_values import json_text
from core.outbound import Deadline
from workflows.definition import Definition, StepDefinition
from workflows.models import StepType
from workflows.steps.base import (
    Outcome,
    Output,
    Step,
    StepContext,
    StepError,
    expression,
    object_schema,
    refers_to,
    template,
)
from workflows.steps.http_request import client
from workflows.steps.services import service_of

MAX_SECONDS, MAX_BYTES, SUBJECT_LENGTH = 30.0, 100_000, 200


class Notify(Step):
    type = StepType.NOTIFY
    purpose = "Send a mail, whose text is the instruction, or call a webhook."
    config_schema = object_schema(
        to={
            "type": "array",
            "minItems": 1,
            "maxItems": 20,
            "items": template("An address", 320),
            "title": "The addresses of a mail",
        },
        subject=template("The subject of a mail", 1000),
        integration=refers_to(
            "workspaces.IntegrationConfig", "The integration that has the address of the webhook"
        ),
        payload=expression("What the webhook gets as JSON"),
    )
    output_schema = object_schema(
        ("sent",),
        sent={"type": "integer", "title": "The number of recipients"},
        status={"type": "integer", "title": "The status with which the webhook was answered"},
    )
    touches_outside = True
    cost = "a mail, or a request"
    uses_instruction = True

    def problems(self, step: StepDefinition, definition: Definition) -> list[str]:
        config = step.config
        if ("to" in config) == ("integration" in config):
            return ["Give 'to' for a mail or 'integration' for a webhook, one of them."]
        if "integration" in config:
            return [] if "payload" in config else ["Give the 'payload' of the webhook."]
        lacking = [] if config.get("subject", "").strip() else ["Give the 'subject' of the mail."]
        return (
            lacking
            if step.instruction.strip()
            else [*lacking, "Write the text of the mail as the instruction."]
        )

    def run(self, context: StepContext) -> Outcome:
        return _call_webhook(context) if "integration" in context.config else _mail(context)


def _mail(context: StepContext) -> Output:
    addresses = [one.strip() for one in context.config["to"]]
    for address in addresses:
        _check_address(address)
    subject = " ".join(context.config["subject"].split())[:SUBJECT_LENGTH]
    send_mail(addresses, subject, context.instruction, key=context.idempotency_key)
    return Output({"sent": len(addresses)}, details={"idempotency_key": context.idempotency_key})


def send_mail(addresses: list[str], subject: str, text: str, *, key: str) -> None:
    """With an id by which a mail that is sent again is known as the same. Raises StepError."""
    if not settings.EMAIL_HOST:
        raise StepError("mail_not_configured")
    message_id = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@oyl>"
    headers = {"Message-ID": message_id, "Auto-Submitted": "auto-generated"}
    try:
        EmailMessage(subject, text, None, addresses, headers=headers).send()
    except (OSError, SMTPException) as error:
        raise StepError("mail_failed", reason=type(error).__name__) from None


def _check_address(address: str) -> None:
    try:
        validate_email(address)
    except ValidationError:
        raise StepError("mail_address", address=address[:100]) from None


def _call_webhook(context: StepContext) -> Output:
    service, body = service_of(context), json_text(context.config["payload"]).encode()
    key, now = context.idempotency_key, timezone.now()
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": key,
        **service.headers,
        **service.signature(key, now, body),
    }
    seconds = min((context.deadline - now).total_seconds(), MAX_SECONDS)
    deadline = Deadline(max(seconds, 0))
    with client(MAX_BYTES).stream(
        "POST", service.url, headers=headers, body=body, deadline=deadline
    ) as response:
        status = response.status
    if not 200 <= status < 300:
        raise StepError("http_status", retry=status >= 500 or status == 429, status=status)
    return Output({"sent": 1, "status": status}, details={"idempotency_key": key})
