"""The diagram of the schema, generated from the models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db.models import Field, ForeignKey, Model, OneToOneField


def models() -> list[type[Model]]:
    """Return the models of the project's own apps."""
    own = [app for app in apps.get_app_configs() if Path(app.path).parent == settings.BASE_DIR]
    return [model for app in own for model in app.get_models()]


def columns() -> dict[str, list[str]]:
    """{table: its columns}"""
    return {
        model._meta.db_table: [field.column for field in model._meta.local_fields if field.column]
        for model in models()
    }


def render() -> str:
    """Mermaid. `tenant_id` is left out: every table but `tenants` and `users` has it."""
    edges = [edge for model in models() for edge in _edges(model)]
    return "\n".join(["```mermaid", "erDiagram", *(f"    {edge}" for edge in edges), "```\n"])


def _edges(model: type[Model]) -> Iterator[str]:
    child = model._meta.db_table
    drawn = [field for field in model._meta.local_fields if _is_drawn(field)]
    for field in drawn or [field for field in model._meta.local_fields if field.column == "tenant_id"]:
        parent = field.related_model._meta.db_table  # type: ignore[union-attr]
        left = "|o" if field.null else "||"
        right = "o|" if isinstance(field, OneToOneField) else "o{"
        yield f"{parent} {left}--{right} {child} : {field.column}"


def _is_drawn(field: Field) -> bool:  # type: ignore[type-arg]
    return isinstance(field, ForeignKey) and field.column != "tenant_id"
