"""Managers of tenant models: every query names the scope's tenant, and raises outside of a scope."""

from __future__ import annotations

from typing import Any, Self, TypeVar, cast

from django.db import models
from django.db.models import Q
from django.db.models.constants import LOOKUP_SEP
from django.db.models.functions import Now
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


def alive_above(model: type[models.Model], path: str = "") -> Q:
    """The condition that no row above is soft-deleted, up to the nearest parents that can be: what belongs to a deleted
    object stays until it is purged, and is not listed. An optional parent is none: a row can do without it."""
    condition = Q()
    for field in model._meta.concrete_fields:
        if isinstance(field, TenantForeignKey | TenantOneToOneField) and not field.null:
            parent, way = field.related_model, f"{path}{field.name}{LOOKUP_SEP}"
            is_deletable = any(column.name == "deleted_at" for column in parent._meta.fields)
            condition &= Q(**{f"{way}deleted_at__isnull": True}) if is_deletable else alive_above(parent, way)
    return condition


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
