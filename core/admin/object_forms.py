"""A model's form in which one of its JSON columns has a field for each value that a schema describes. The JSON itself is
another way to write it: where it was changed, it counts."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.apps import apps
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from unfold.widgets import UnfoldAdminSelectMultipleWidget, UnfoldAdminSelectWidget

from core.admin.base import TenantForm
from core.admin.schema_fields import Schema, described, schema_field, shown, typed
from core.json_schema import problems

# The keywords for the id of an object of this model in the same workspace, and for what such objects have.
REFERS, WHERE = "x-refers", "x-where"
MAX_CHOICES = 1000


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value of the object that has a field of its own."""

    path: tuple[str, ...]
    schema: Schema

    @property
    def field_name(self) -> str:
        return ".".join(("value", *self.path))

    def of(self, value: Any) -> Any:
        for step in self.path:
            value = value.get(step) if isinstance(value, Mapping) else None
        return value

    def put(self, value: dict[str, Any], own: Any) -> None:
        """Without a value, the objects above that are empty then go, too."""
        step, *below = self.path
        if below:
            inner = value[step] if isinstance(value.get(step), dict) else {}
            Leaf(tuple(below), self.schema).put(inner, own)
            own = inner
        value.pop(step, None)
        if own not in (None, "", {}):
            value[step] = own


def leaves(schema: Schema, above: tuple[str, ...] = ()) -> Iterator[Leaf]:
    for name, own in schema["properties"].items():
        if "properties" in own:
            yield from leaves(own, (*above, name))
        else:
            yield Leaf((*above, name), own)


class ObjectForm(TenantForm):
    """Its class is made by `object_form`."""

    column: ClassVar[str]
    schema: ClassVar[Schema]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors or self.column in self.changed_data or not self.changed_data:
            return cleaned
        value = copy.deepcopy(getattr(self.instance, self.column) or {})
        for leaf in leaves(self.schema):
            own = typed(self.fields[leaf.field_name], cleaned.get(leaf.field_name))
            leaf.put(value, own)
            if own not in (None, "", {}) and (found := problems(leaf.schema, own)):
                self.add_error(leaf.field_name, [one.replace("The value", "It", 1) for one in found])
        if not self.errors:
            cleaned[self.column] = value
        return cleaned

    def _update_errors(self, errors: ValidationError) -> None:
        """Say above the form what is wrong with its fields together."""
        if self.column in getattr(errors, "error_dict", {}) and self.column not in self.changed_data:
            errors.error_dict.setdefault(NON_FIELD_ERRORS, []).extend(errors.error_dict.pop(self.column))
        super()._update_errors(errors)  # type: ignore[misc]


def object_form(
    base: type[ObjectForm], *, column: str, schema: Schema, value: Any, workspace_id: UUID | None
) -> type[ObjectForm]:
    """`value` is what is stored; `workspace_id` is None for a new object, which may refer to those of all workspaces."""
    fields = {leaf.field_name: _field(leaf, value, workspace_id) for leaf in leaves(schema)}
    return type("ObjectForm", (base,), {**fields, "column": column, "schema": schema})


def object_fieldsets(column: str, schema: Schema, *others: str) -> list[Any]:
    """One for each object within, after one for the values of its own; at last the JSON, with `others` beside it."""
    sections: dict[str, list[str]] = {"": []}
    for leaf in leaves(schema):
        sections.setdefault(leaf.path[0] if leaf.path[1:] else "", []).append(leaf.field_name)
    titles = {name: schema["properties"][name]["title"] for name in sections if name}
    found = [(titles.get(name, schema["title"]), {"fields": own}) for name, own in sections.items() if own]
    return [*found, ("The same as JSON", {"fields": [column, *others], "classes": ["collapse"]})]


def _field(leaf: Leaf, value: Any, workspace_id: UUID | None) -> forms.Field:
    schema = _without_null(leaf.schema)
    if REFERS in schema or REFERS in schema.get("items", {}):
        field = described(_references(schema, workspace_id), leaf.path[-1], schema)
        field.initial = leaf.of(value)
    else:
        field = schema_field(leaf.path[-1], schema)
        field.initial = shown(schema, leaf.of(value))
    field.required = False
    return field


def _without_null(schema: Schema) -> Schema:
    """A field that is left empty says as much as null."""
    kinds = schema.get("type")
    if isinstance(kinds, Sequence) and not isinstance(kinds, str):
        schema = {**schema, "type": next(one for one in kinds if one != "null")}
    return {**schema, "enum": [one for one in schema["enum"] if one]} if "enum" in schema else schema


def _references(schema: Schema, workspace_id: UUID | None) -> forms.Field:
    if "items" not in schema:
        choices = partial(_choices, schema, workspace_id, ("", "–"))
        return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget)
    choices = partial(_choices, schema["items"], workspace_id)
    return forms.MultipleChoiceField(choices=choices, widget=UnfoldAdminSelectMultipleWidget)


def _choices(schema: Schema, workspace_id: UUID | None, *others: tuple[str, str]) -> list[tuple[str, str]]:
    """Read when the form is shown or sent."""
    rows = apps.get_model(schema[REFERS])._default_manager.filter(**schema.get(WHERE, {})).order_by("name")
    if workspace_id:
        rows = rows.filter(workspace=workspace_id)
    return [*others, *((str(row.pk), str(row)) for row in rows[:MAX_CHOICES])]
