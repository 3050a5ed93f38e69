"""Managers of tenant models: every query names the scope's tenant, and raises outside of a scope."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self, TypeVar, cast

from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.db.models.constants import LOOKUP_SEP
from django.db.models.functions import Now
from django.db.models.lookups import IsNull
from django.utils import timezone

from core.isolation.fields import TenantForeignKey, TenantOneToOneField
from core.isolation.scope import CurrentTenant

M = TypeVar("M", bound=models.Model, covariant=True)  # noqa: PLC0105 (as Django's own is named)


def alive_along(model: Any, lookup: str) -> Q:
    """The condition that none of the rows which the lookup passes through is soft-deleted."""
    condition, steps = Q(), lookup.split(LOOKUP_SEP)
    for number, step in enumerate(steps, 1):
        field = model._meta.pk if step == "pk" else model._meta.get_field(step)
        if not field.is_relation:
            break
        model = field.related_model
        if any(column.name == "deleted_at" for column in model._meta.fields):
            condition &= Q(**{LOOKUP_SEP.join([*steps[:number], "deleted_at", "isnull"]): True})
    return condition


def alive_above(model: type[models.Model]) -> Q:
    """The condition that no row above is soft-deleted, up to the nearest parents that can be: what belongs to a deleted
    object stays until it is purged, and is not listed. An optional parent is none: a row can do without it.

    PostgreSQL evaluates it for each row that it is about to return. As a join, it would make the planner, which expects few
    rows of a tenant, read all of them before it sorts."""
    condition = Q()
    for field, way in _ways_to_deletable_parents(model):
        alive = field.related_model._default_manager.filter(pk=OuterRef(field.attname), **{way: None})
        condition &= Q(IsNull(Subquery(alive.values("pk")), False))
    return condition


def _ways_to_deletable_parents(model: Any) -> Iterator[tuple[Any, str]]:
    """Each required foreign key with the lookup from its row to the `deleted_at` of the nearest deletable one."""
    for field in model._meta.concrete_fields:
        if isinstance(field, TenantForeignKey | TenantOneToOneField) and not field.null:
            if any(column.name == "deleted_at" for column in field.related_model._meta.fields):
                yield field, "deleted_at"
            else:
                for further, way in _ways_to_deletable_parents(field.related_model):
                    yield field, LOOKUP_SEP.join([further.name, way])


class TenantQuerySet(models.QuerySet[M]):
    def update(self, **changes: Any) -> int:
        """Set `updated_at`, too: Django's `auto_now` only works in `save`."""
        if any(field.name == "updated_at" for field in self.model._meta.fields):
            changes = {"updated_at": Now(), **changes}
        return super().update(**changes)

    def alive(self) -> Self:
        """Rows that are not soft-deleted."""
        return self.filter(deleted_at__isnull=True)

    def delete_rows(self) -> int:
        """Delete in one statement; PostgreSQL's foreign keys cascade."""
        return self._raw_delete(self.db)

    def soft_delete(self) -> int:
        """Mark as deleted; returns the number of rows marked."""
        return self.alive().update(deleted_at=timezone.now())


UnscopedManager = models.Manager.from_queryset(TenantQuerySet)


class TenantManager(UnscopedManager[M]):
    """All rows of the scope's tenant. PostgreSQL would hide the others anyway; naming the tenant lets a query use the
    indexes that lead with it, and raises NoTenantScopeError outside of a scope."""

    def get_queryset(self) -> TenantQuerySet[M]:
        rows = cast(TenantQuerySet[M], super().get_queryset())
        return rows.filter(tenant_id=CurrentTenant())


class AliveManager(TenantManager[M]):
    """The rows that are not soft-deleted."""

    def get_queryset(self) -> TenantQuerySet[M]:
        return super().get_queryset().alive()
