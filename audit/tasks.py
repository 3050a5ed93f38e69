"""Periodic work on the audit log."""

from __future__ import annotations

import logging
from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from audit.chain_heads import AuditAnchorError
from audit.sealing import seal, tenants_with_unsealed_events

logger = logging.getLogger(__name__)
RECENT = timedelta(minutes=10)


@shared_task(queue="maintenance")
def seal_all(complete: bool = False) -> None:
    """Seal every tenant's recent events; with `complete` also older ones, whose transaction took longer to commit."""
    since = None if complete else timezone.now() - RECENT
    for tenant_id in tenants_with_unsealed_events(since):
        try:
            seal(tenant_id, since=since)
        except AuditAnchorError:
            logger.exception("the audit log of %s cannot be sealed", tenant_id)
