"""How many rows a list may have. Each model whose rows people and programs add declares a limit, which every entry point
passes: `TenantModel.save` checks it, and services that insert many rows at once do. Queues, histories and what the pipeline
derives have none: tests/contracts/test_list_limits.py names them. Rows that have ended, as revoked keys have, do not count;
they are kept for a time, and deleted."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection, models
from django.db.models import Count, Q
from django.db.models.functions import Now
from django.utils import timezone

from core.errors import ConflictError
from core.isolation.scope import current_tenant_id, tenant_scope
from core.isolation.tenant_directory import all_tenants

# How long rows stay that have ended. The audit log keeps their events.
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many `rows` with the same `parent`, a path of relations from the model. `ends` is an expression for the
    time at which a row ends, if it does. `remedy` says how to make room."""

    rows: int
    parent: str = "tenant"
    ends: Any = None
    remedy: str = "Delete some of them first."

    def alive(self, rows: Any) -> Any:
        """Those of the rows that count."""
        if self.ends is None:
            return rows
        return rows.alias(ends=self.ends).filter(Q(ends=None) | Q(ends__gt=Now()))

    def parent_of(self, instance: models.Model) -> UUID:
        if self.parent == "tenant":
            return current_tenant_id()
        parent: UUID = attrgetter(f"{self.parent.replace('__', '.')}_id")(instance)
        return parent


class LimitReachedError(ConflictError):
    """There are too many of these."""


def check_limit(model: type[models.Model], parents: Collection[UUID]) -> None:
    """In the transaction that has inserted rows. Concurrent callers wait for each other; where there are several `parents`,
    the caller has locked them. Raises LimitReachedError."""
    limit: Limit = getattr(model, "limit")  # noqa: B009 (of `core.models.TenantModel`, which uses this module)
    if len(parents) == 1:
        name = f"{model._meta.db_table}/{next(iter(parents))}"
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
    rows = limit.alive(model._default_manager.filter(**{f"{limit.parent}__in": parents}).order_by())
    if rows.values(limit.parent).annotate(rows=Count("pk")).filter(rows__gt=limit.rows).exists():
        owner = limit.parent.rpartition("__")[2].replace("tenant", "organisation").replace("_", " ")
        raise LimitReachedError(
            f"One {owner} may have at most {limit.rows:,} {model._meta.verbose_name_plural}. {limit.remedy}"
        )


def delete_ended() -> int:
    """Delete the rows that ended longer ago than `KEPT`, of all tenants. Returns their number."""
    limits = {
        model: limit for model in apps.get_models() if (limit := getattr(model, "limit", None)) and limit.ends
    }
    count = 0
    for tenant_id in all_tenants():
        with tenant_scope(tenant_id):
            for model, limit in limits.items():
                rows = model._base_manager.alias(ends=limit.ends).filter(ends__lt=timezone.now() - KEPT)
                count += rows.delete()[0]
    return count
