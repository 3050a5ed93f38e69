"""Assistants and teammates by the name of a model."""

from __future__ import annotations

from itertools import chain
from typing import Any

from django.db.models import QuerySet

from assistants.models import Assistant, Teammate
from core.actors import Actor
from core.api.bound_rows import bound_lookups_of, bound_rows
from core.api.openai.ids import pk_of
from core.errors import ConflictError
from core.querysets import alive_above
from knowledge.openai.embeddings import ModelNotFoundError

Partner = Assistant | Teammate


class AmbiguousModelError(ConflictError):
    """Several assistants or teammates have this name: use the id of one."""


def partners(actor: Actor) -> list[QuerySet[Any]]:
    """The assistants and the teammates that the actor may ask. To be used inside a scope."""
    if not actor.may("conversations", writes=True):
        return []
    return [
        bound_rows(actor, model.objects.filter(alive_above(model)), bound_lookups_of(model))
        for model in (Assistant, Teammate)
    ]


def partner_named(actor: Actor, model: str) -> Partner:
    """By id, or else by name. Inside a scope. Raises ModelNotFoundError, AmbiguousModelError."""
    try:
        wanted: dict[str, Any] = {"pk": pk_of(model)}
    except ValueError:
        wanted = {"name": model}
    found: list[Partner] = list(chain(*(rows.filter(**wanted)[:2] for rows in partners(actor))))
    if not found:
        raise ModelNotFoundError(
            f"There is no assistant or teammate '{model}': `model` is the name or the id of one, as /v1/models lists them."
        )
    if len(found) > 1:
        raise AmbiguousModelError(
            f"Several are named '{model}': use the id of one, as /v1/models lists them."
        )
    return found[0]


def as_target(partner: Partner) -> dict[str, Any]:
    """The argument by which `conversations.services.asking.ask` gets it."""
    return {partner._meta.model_name or "": partner.pk}
