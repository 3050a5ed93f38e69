"""What an actor may do: by the role in the tenant, and for an API key also by its scopes and binding.

A key never allows more than the role of the user for whom it acts. A session has no scopes: only the role restricts it.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import models

from core.apps import oyl_apps


class Role(models.TextChoices):
    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        return list(Role).index(self)


def scope(area: str, *, writes: bool = False) -> str:
    return f"{area}:{'write' if writes else 'read'}"


def key_scopes() -> list[str]:
    """All scopes that an API key may have: those of every app's areas."""
    return [
        scope(area.name, writes=writes)
        for config in oyl_apps()
        for area in config.areas
        for writes in (False, True)
        if area.writable or not writes
    ]


def bound_kinds() -> dict[str, str]:
    """{kind: label of its model}: a key may be bound to one object of a kind, and opens what belongs to it."""
    return {kind: label for config in oyl_apps() for kind, label in config.bound_kinds.items()}


def bound_kind_choices() -> list[tuple[str, str]]:
    return [(kind, kind.capitalize()) for kind in bound_kinds()]


def rows_of_kind(kind: str) -> models.QuerySet[Any]:
    """Inside a scope: the objects that a key of this kind may be bound to."""
    rows: models.QuerySet[Any] = apps.get_model(bound_kinds()[kind])._default_manager.all()
    return rows
