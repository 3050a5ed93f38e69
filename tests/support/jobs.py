"""Jobs that other tests have left in the database, which is not emptied."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from core.isolation.scope import tenant_scope
from jobs.handlers import handlers
from jobs.queue import tenants_with_due_jobs


def postpone_due_jobs() -> None:
    """So that a worker, which serves all tenants, works for the test alone."""
    for handler, tenant_id in tenants_with_due_jobs(handlers()):
        with tenant_scope(tenant_id):
            handler.model.objects.update(available_at=timezone.now() + timedelta(hours=1))
