"""Periodic work: ending interrupted answers, and deleting conversations that are kept no longer."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from audit.services import record
from conversations.models import Conversation, Retention
from conversations.services.following import end_interrupted
from core.actors import system_actor
from core.isolation.scope import tenant_scope
from core.isolation.tenant_directory import all_tenants


def end_interrupted_answers() -> int:
    """Of all tenants; returns their number."""
    ended = 0
    for tenant_id in all_tenants():
        with tenant_scope(tenant_id):
            ended += end_interrupted()
    return ended


def delete_old_conversations() -> int:
    """Of the tenants that keep conversations for a time only; returns their number."""
    deleted = 0
    for tenant_id in all_tenants():
        with tenant_scope(tenant_id):
            retention = Retention.objects.first()
            if retention is None:
                continue
            before = timezone.now() - timedelta(days=retention.days)
            rows = Conversation.objects.filter(updated_at__lt=before).delete_rows()
            if rows:
                actor = system_actor(tenant_id, "delete_old_conversations")
                record(actor=actor, action="conversations.deleted", count=rows, days=retention.days)
            deleted += rows
    return deleted
