"""The rows that an API key which is bound to one object may see."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, reduce
from operator import or_
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.module_loading import import_string

from core.actors import Actor
from core.apps import oyl_apps
from core.querysets import alive_along

# {kind that a key may be bound to: lookups from a model to the object}
BoundLookups = dict[str, tuple[str, ...]]


def bound_rows(actor: Actor, rows: models.QuerySet[Any], lookups: BoundLookups) -> models.QuerySet[Any]:
    """The rows that belong to the object that the actor's key is bound to. One of the lookups of its kind must match,
    through rows of which none is soft-deleted; without a lookup there are none. `rows` may themselves be deleted ones."""
    if actor.bound is None:
        return rows
    (kind, pk), model = actor.bound, rows.model
    ways = [Q(**{lookup: pk}) & alive_along(model, lookup) for lookup in lookups.get(kind, ())]
    if not ways:
        return rows.none()
    return rows.filter(pk__in=model._base_manager.filter(reduce(or_, ways)).values("pk"))


def bound_lookups_of(model: type[models.Model]) -> BoundLookups:
    """Those of the model's route, and none for a model without a route."""
    return _lookups_of_routes().get(model, {})


@cache
def _lookups_of_routes() -> Mapping[type[models.Model], BoundLookups]:
    routes = (import_string(config.routes) for config in oyl_apps() if config.routes)
    return {view.model: view.bound_by for views in routes for view in views.values() if view.bound_by}
