"""What a step may reach: the rows of its workflow's workspace."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from core.actors import Actor
from core.api.bound_rows import bound_lookups_of, bound_rows
from core.querysets import alive_above
from workflows.steps.base import StepContext, StepError

M = TypeVar("M", bound=Model)


def bound_actor(context: StepContext) -> Actor:
    """Who acts, bound to the workspace as an API key can be."""
    return replace(context.actor, bound=("workspace", context.workspace_id))


def own_rows(context: StepContext, model: type[M]) -> QuerySet[M]:
    """Inside a scope: those of the workspace."""
    rows = model._default_manager.filter(alive_above(model))
    found: QuerySet[M] = bound_rows(bound_actor(context), rows, bound_lookups_of(model))
    return found


def own_row(context: StepContext, model: type[M], pk: str | UUID) -> M:
    """Inside a scope. Raises StepError."""
    found = own_rows(context, model).filter(pk=pk).first()
    if found is None:
        raise StepError("not_in_workspace", kind=model._meta.verbose_name, id=pk)
    return found


def own_ids(context: StepContext, model: type[M], value: Any) -> list[UUID]:
    """Inside a scope: the ids in a value of an expression, one or a list. Raises StepError for one that is not there."""
    wanted = as_ids(value)
    present: Collection[UUID] = set(
        own_rows(context, model).filter(pk__in=wanted).values_list("pk", flat=True)
    )
    if lacking := [pk for pk in wanted if pk not in present]:
        raise StepError("not_in_workspace", kind=model._meta.verbose_name, id=lacking[0])
    return wanted


def as_ids(value: Any) -> list[UUID]:
    """Raises StepError."""
    try:
        return list(dict.fromkeys(UUID(one) for one in (value if isinstance(value, list) else [value])))
    except (ValueError, TypeError, AttributeError):
        raise StepError("no_ids") from None
