"""The usage of an organisation or of its workspaces: the figures of all apps."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.utils.module_loading import import_string

from core.actors import Actor
from core.apps import oyl_apps
from core.isolation.scope import tenant_scope
from core.permissions import Role
from core.quotas import Standing, own_standings, standings
from core.usage import FigureSet, Period
from knowledge.engine_config import model_for
from knowledge.model_choice import passages_by_language
from knowledge.models import Reference


def figure_sets(period: Period) -> list[FigureSet]:
    """The figures that the apps announce, in the order of the apps."""
    return [one for config in oyl_apps() if config.usage for one in import_string(config.usage)(period)]


def usage_of_organisation(*, actor: Actor, period: Period) -> dict[str, Any]:
    """Raises ForbiddenError below admin."""
    actor.require(Role.ADMIN)
    with tenant_scope(actor.tenant_id):
        numbers = [one.of_organisation() for one in figure_sets(period)]
    return nested({name: value for found in numbers for name, value in found.items()})


def quotas_of_organisation(*, actor: Actor) -> list[Standing]:
    """What is used of each quota of the organisation, and of those of the actor's own. Raises ForbiddenError below admin."""
    actor.require(Role.ADMIN)
    with tenant_scope(actor.tenant_id):
        return [*standings(), *own_standings(actor)]


def usage_of_workspaces(
    *, actor: Actor, workspace_ids: Collection[UUID], period: Period
) -> dict[UUID, dict[str, Any]]:
    """{workspace: its figures}, of every given one. Raises ForbiddenError below admin."""
    actor.require(Role.ADMIN)
    found: dict[UUID, dict[str, int]] = {pk: {} for pk in workspace_ids}
    with tenant_scope(actor.tenant_id):
        for one in figure_sets(period):
            if one.workspace:
                numbers, zeros = one.of_workspaces(workspace_ids), {figure.name: 0 for figure in one.figures}
                for pk in workspace_ids:
                    found[pk] |= numbers.get(pk, zeros)
    return {pk: nested(figures) for pk, figures in found.items()}


def usage_of_references(*, actor: Actor, references: Collection[Reference]) -> list[dict[str, Any]]:
    """The model that answers for each reference, and the languages of its passages. Raises ForbiddenError below admin."""
    actor.require(Role.ADMIN)
    with tenant_scope(actor.tenant_id):
        languages = passages_by_language([reference.pk for reference in references])
    return [
        {
            "reference": reference.pk,
            "name": reference.name,
            "model": model_for(reference),
            "languages": [
                {"language": language, "passages": number}
                for language, number in languages[reference.pk].items()
            ],
        }
        for reference in references
    ]


def nested(figures: dict[str, Any]) -> dict[str, Any]:
    """{"documents.done": 1} → {"documents": {"done": 1}}"""
    result: dict[str, Any] = {}
    for name, value in figures.items():
        group, _, inner = name.rpartition(".")
        (result.setdefault(group, {}) if group else result)[inner] = value
    return result
