"""Waiting for the decision of a person."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from audit.services import record
from core.actors import system_actor
from core.bounded_fields import DESCRIPTION_LENGTH
from core.isolation.scope import tenant_scope
from core.permissions import Role
from tenants.models import Membership
from workflows.definition import JSON, Definition, StepDefinition
from workflows.models import Approval, ApprovalState, StepType
from workflows.steps.base import (
    Jump,
    Outcome,
    Step,
    StepContext,
    StepError,
    Wait,
    expression,
    object_schema,
    step_key,
    template,
)
from workflows.steps.notify import send_mail

logger = logging.getLogger(__name__)
LONGEST_SECONDS = 366 * 24 * 3600
MAX_MAILED = 50
_SECONDS = {"type": "integer", "minimum": 1, "maximum": LONGEST_SECONDS}


class AskForApproval(Step):
    type = StepType.APPROVAL
    purpose = "Wait until a person approves or rejects; those who may decide are mailed if OYL can send mail."
    config_schema = object_schema(
        ("question",),
        question=template("What is asked", 2000),
        show=expression("What is decided on, and is shown with the question"),
        role={
            "enum": [role.value for role in Role],
            "title": "The lowest role that may decide; editor if not given",
        },
        people={
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "items": {"type": "string", "format": "uuid"},
            "title": "The ids of the users who may decide; without it, all who have the role",
        },
        remind_after_seconds={**_SECONDS, "title": "Mail again after so many seconds"},
        expires_after_seconds={**_SECONDS, "title": "The deadline, in seconds; without it there is none"},
        when_expired={
            "enum": ["fail", "approve", "reject"],
            "title": "What the deadline does; fail if not given",
        },
        approved=step_key("The step that follows an approval; without one, the next"),
        rejected=step_key("The step that follows a rejection; without one, the next"),
    )
    output_schema = object_schema(
        ("approved", "decision", "comment", "by"),
        approved={"type": "boolean"},
        decision={"enum": ["approved", "rejected", "expired"]},
        comment={"type": "string"},
        by={"type": "string", "title": "The id of the user; empty after the deadline"},
    )

    def problems(self, step: StepDefinition, definition: Definition) -> list[str]:
        config = step.config
        remind, expire = (
            config.get("remind_after_seconds", 0),
            config.get("expires_after_seconds", LONGEST_SECONDS + 1),
        )
        found = [] if remind < expire else ["The reminder comes after the deadline. Give it fewer seconds."]
        if "when_expired" in config and "expires_after_seconds" not in config:
            found.append("'when_expired' needs a deadline: give 'expires_after_seconds'.")
        return found

    def run(self, context: StepContext) -> Outcome:
        with tenant_scope(context.tenant_id):
            approval = _approval(context)
        if context.waited is None:
            return _asked(context, approval)
        if context.waited.value is not None:
            return _decided(context, context.waited.value)
        if approval.remind_at:
            with tenant_scope(context.tenant_id):
                Approval.objects.filter(pk=approval.pk).update(remind_at=None)
            _mail(context, approval, "Reminder: ")
            return Wait(until=approval.due_at)
        return _expired(context, approval)


def _approval(context: StepContext) -> Approval:
    """Inside a scope: that of this step run, which is made at its first call."""
    config, now = context.config, timezone.now()
    after = {name: config.get(f"{name}_after_seconds") for name in ("remind", "expires")}
    moments = {name: now + timedelta(seconds=seconds) for name, seconds in after.items() if seconds}
    approval, is_new = Approval.objects.get_or_create(
        step_run_id=context.step_run_id,
        defaults={
            "run_id": context.run_id,
            "question": config["question"].strip()[:DESCRIPTION_LENGTH] or "Approve?",
            "shown_json": config.get("show"),
            "role": config.get("role", Role.EDITOR),
            "user_ids_json": config.get("people", []),
            "remind_at": moments.get("remind"),
            "due_at": moments.get("expires"),
        },
    )
    found: Approval = approval
    if is_new:
        _record(context, found, "requested")
    return found


def _record(context: StepContext, approval: Approval, verb: str) -> None:
    record(
        actor=system_actor(context.tenant_id, "workflow"),
        action=f"approval.{verb}",
        target=approval,
        workspace_id=context.workspace_id,
        run=str(context.run_id),
    )


def _asked(context: StepContext, approval: Approval) -> Outcome:
    _mail(context, approval, "")
    return Wait(until=approval.remind_at or approval.due_at)


def _decided(context: StepContext, decision: Mapping[str, JSON]) -> Outcome:
    word = "approved" if decision["approved"] else "rejected"
    return _outcome(
        context, approved=decision["approved"], decision=word, comment=decision["comment"], by=decision["by"]
    )


def _expired(context: StepContext, approval: Approval) -> Outcome:
    """Unless a person decides at this moment: that counts. Raises StepError."""
    with tenant_scope(context.tenant_id):
        pending = Approval.objects.filter(pk=approval.pk, state=ApprovalState.PENDING)
        is_expired = pending.update(state=ApprovalState.EXPIRED)
        if is_expired:
            _record(context, approval, "expired")
        approval.refresh_from_db()
    if not is_expired and approval.state in (ApprovalState.APPROVED, ApprovalState.REJECTED):
        is_approved, by = approval.state == ApprovalState.APPROVED, str(approval.decided_by_id or "")
        return _decided(context, {"approved": is_approved, "comment": approval.comment, "by": by})
    consequence = context.config.get("when_expired", "fail")
    if consequence == "fail":
        raise StepError("approval_expired")
    return _outcome(context, approved=consequence == "approve", decision="expired", comment="", by="")


def _outcome(context: StepContext, *, approved: bool, **others: Any) -> Outcome:
    to = context.config.get("approved" if approved else "rejected", "")
    return Jump(to=to, output={"approved": approved, **others})


def _mail(context: StepContext, approval: Approval, prefix: str) -> None:
    """A mail that cannot be sent prevents no decision: the approval is in the admin."""
    if not settings.EMAIL_HOST:
        return
    subject = f"{prefix}{' '.join(approval.question.split())[:150]}"
    link = f"{settings.OYL_URL}/admin/workflows/approval/{approval.pk}/change/"
    text = f"{approval.question}\n\nApprove or reject: {link}\n"
    for address in _addresses(context, approval):
        try:
            send_mail([address], subject, text, key=f"{approval.pk}{prefix}{address}")
        except StepError as error:
            logger.warning("a mail about an approval could not be sent: %s", error.detail)


def _addresses(context: StepContext, approval: Approval) -> list[str]:
    roles = [role for role in Role if role.rank >= Role(approval.role).rank]
    with tenant_scope(context.tenant_id):
        members = Membership.objects.filter(role__in=roles, user__is_active=True, suspended_at=None)
        if approval.user_ids_json:
            members = members.filter(user__in=approval.user_ids_json)
        return list(members.order_by("pk").values_list("user__email", flat=True)[:MAX_MAILED])
