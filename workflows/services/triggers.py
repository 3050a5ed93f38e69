"""Saving triggers, so that schedules tick as they say."""

from __future__ import annotations

from django.db.models import F

from audit.services import record, save_audited, soft_delete_audited
from core.actors import Actor
from core.errors import ConflictError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from workflows.models import Trigger, TriggerKind
from workflows.triggers.occurrences import plan_next_tick


class NoWebhookError(ConflictError):
    """Only a webhook has an address and a secret."""


def save_trigger(trigger: Trigger, *, actor: Actor, role: Role = Role.EDITOR) -> None:
    """Raises ForbiddenError."""
    with tenant_scope(actor.tenant_id):
        Trigger.objects.select_for_update(no_key=True).filter(pk=trigger.pk).first()
        save_audited(actor=actor, instance=trigger, role=role)
        plan_next_tick(trigger)


def delete_trigger(trigger: Trigger, *, actor: Actor, role: Role = Role.EDITOR) -> None:
    """Raises ForbiddenError."""
    with tenant_scope(actor.tenant_id):
        soft_delete_audited(actor=actor, instances=[trigger], role=role)
        trigger.is_enabled = False
        plan_next_tick(trigger)


def replace_secret(trigger: Trigger, *, actor: Actor) -> None:
    """Give a webhook another address and another secret; the old ones open nothing any more. Raises ForbiddenError,
    NoWebhookError."""
    actor.require(Role.EDITOR)
    if trigger.kind != TriggerKind.WEBHOOK:
        raise NoWebhookError
    with tenant_scope(actor.tenant_id):
        Trigger.objects.filter(pk=trigger.pk).update(secret_number=F("secret_number") + 1)
        trigger.refresh_from_db()
        workspace_id = trigger.workflow.workspace_id
        record(actor=actor, action="trigger.secret_replaced", target=trigger, workspace_id=workspace_id)
