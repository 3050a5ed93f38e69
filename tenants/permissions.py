"""What an API key may do: the areas of the API, to be read or written. A person's session is not narrowed, and a key
never passes beyond the role of the person for whom it acts."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from django.apps import apps
from django.db import models


class Area(StrEnum):
    ORGANISATION = "organisation"
    WORKSPACES = "workspaces"
    ASSISTANTS = "assistants"
    KNOWLEDGE = "knowledge"
    WORKFLOWS = "workflows"
    AUDIT = "audit"


def scope(area: Area, *, writes: bool = False) -> str:
    return f"{area}:{'write' if writes else 'read'}"


# The audit log is only read.
SCOPES = [
    scope(area, writes=writes)
    for area in Area
    for writes in (False, True)
    if not (area is Area.AUDIT and writes)
]


class Bound(models.TextChoices):
    """What a key may be narrowed to: one object of this kind, and what belongs to it."""

    WORKSPACE = "workspace"
    REFERENCE = "reference"
    ASSISTANT = "assistant"

    @property
    def rows(self) -> models.QuerySet[Any]:
        """By their model's name, as foreign keys name it: it stands above this app."""
        named = {
            Bound.WORKSPACE: "workspaces.Workspace",
            Bound.REFERENCE: "knowledge.Reference",
            Bound.ASSISTANT: "assistants.Assistant",
        }
        rows: models.QuerySet[Any] = apps.get_model(named[self])._default_manager.all()
        return rows
