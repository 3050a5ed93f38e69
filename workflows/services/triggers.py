"""Saving triggers, so that schedules tick as they say."""

from __future__ import annotations

from django.utils import timezone

from audit.services import save_audited, soft_delete_audited
from core.actors import Actor
from core.isolation.scope import tenant_scope
from core.permissions import Role
from workflows.models import Trigger
from workflows.triggers.occurrences import plan_next_tick


def save_trigger(trigger: Trigger, *, actor: Actor, role: Role = Role.EDITOR) -> None:
    """Raises ForbiddenError."""
    with tenant_scope(actor.tenant_id):
        Trigger.objects.select_for_update(no_key=True).filter(pk=trigger.pk).first()
        save_audited(actor=actor, instance=trigger, role=role)
        plan_next_tick(trigger, timezone.now())


def delete_trigger(trigger: Trigger, *, actor: Actor, role: Role = Role.EDITOR) -> None:
    """Raises ForbiddenError."""
    with tenant_scope(actor.tenant_id):
        soft_delete_audited(actor=actor, instances=[trigger], role=role)
        trigger.is_enabled = False
        plan_next_tick(trigger, timezone.now())
