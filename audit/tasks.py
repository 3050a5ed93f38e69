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


@shared_task(queue="maintenance", ignore_result=False)
def seal_all(complete: bool = False) -> int:
    """Seal every tenant's recent events; with `complete` also older ones, whose transaction took longer to commit. Return
    how many were sealed."""
    sealed = 0
    since = None if complete else timezone.now() - RECENT
    for tenant_id in tenants_with_unsealed_events(since):
        try:
            sealed += seal(tenant_id, since=since)
        except AuditAnchorError:
            logger.exception("the audit log of %s cannot be sealed", tenant_id)
    return sealed
