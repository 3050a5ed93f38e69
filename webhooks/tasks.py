"""Periodic work on deliveries."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from core.isolation.scope import tenant_scope
from core.isolation.tenant_directory import all_tenants
from webhooks.models import WebhookDelivery

KEPT = timedelta(days=30)


@shared_task(queue="maintenance", ignore_result=False)
def delete_old() -> int:
    """Delete the deliveries that ended more than 30 days ago, with their attempts. Returns their number."""
    count = 0
    for tenant_id in all_tenants():
        with tenant_scope(tenant_id):
            rows = WebhookDelivery.objects.filter(finished_at__lt=timezone.now() - KEPT)
            count += rows.delete_rows()
    return count
