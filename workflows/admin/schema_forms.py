"""A form that is made of a JSON Schema: one field for each property."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.apps import apps
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from core.admin.schema_fields import described, schema_field, select, shown, typed
from core.json_values import JSON_LENGTH
from workflows.steps.base import EXPRESSION, REFERS, STEP_KEY, TEMPLATE

NAMES_LIST, STEPS_LIST, ZONES_LIST = "oyl-names", "oyl-steps", "oyl-zones"
_TEXT_ROWS = {"rows": 4, "data-names": ""}


class SchemaForm(forms.Form):
    """`config` of the validated form is the object; what is left empty is not in it."""

    def __init__(
        self, schema: Mapping[str, Any], value: Mapping[str, Any], *args: Any, **kwargs: Any
    ) -> None:
        workspace_id = kwargs.pop("workspace_id", None)
        super().__init__(*args, **kwargs)
        self._schema = schema
        required = set(schema.get("required", ()))
        for name, own in schema.get("properties", {}).items():
            field = _field(name, own, workspace_id, value.get(name))
            field.required = name in required and own.get("type") != "boolean"
            initial = value.get(name, own.get("default"))
            field.initial = initial if isinstance(field, forms.MultipleChoiceField) else shown(own, initial)
            self.fields[name] = field

    @property
    def config(self) -> dict[str, Any]:
        values = ((name, typed(field, self.cleaned_data[name])) for name, field in self.fields.items())
        return {name: value for name, value in values if value not in (None, "", [])}


def field_problems(form: forms.Form) -> Iterator[str]:
    """A sentence for each field that cannot be read."""
    for name, errors in form.errors.items():
        label = form.fields[name].label if name in form.fields else name
        yield from (f"{label or name}: {error}" for error in errors)


def _field(name: str, schema: Mapping[str, Any], workspace_id: Any, value: Any) -> forms.Field:
    """A stored value stays a choice, also if what it refers to is gone: saving the form drops nothing unnoticed."""
    items = schema.get("items", {})
    if REFERS in schema:
        choices = _rows(schema[REFERS], workspace_id, [value] if value else [])
        return described(select([("", "–"), *choices]), name, schema)
    if REFERS in items or "enum" in items:
        return _checkboxes(name, schema, workspace_id, value or [])
    if schema.get("format") == "timezone":
        attrs = {"list": ZONES_LIST, "autocomplete": "off"}
        return described(forms.CharField(widget=UnfoldAdminTextInputWidget(attrs=attrs)), name, schema)
    if schema.get("type") == "string" and {TEMPLATE, EXPRESSION, STEP_KEY} & schema.keys():
        return described(_text_field(schema), name, schema)
    field = schema_field(name, schema)
    if schema.get("format") == "textarea":
        field.widget.attrs["data-names"] = ""
    return field


def _checkboxes(
    name: str, schema: Mapping[str, Any], workspace_id: Any, stored: Sequence[str]
) -> forms.Field:
    items = schema["items"]
    choices = (
        _rows(items[REFERS], workspace_id, stored)
        if REFERS in items
        else [(one, one) for one in items["enum"]]
    )
    field = forms.MultipleChoiceField(choices=choices, widget=UnfoldAdminCheckboxSelectMultipleWidget)
    described(field, name, schema)
    if not choices:
        field.help_text = "There is none in this workspace yet."
    return field


def _text_field(schema: Mapping[str, Any]) -> forms.Field:
    length = schema.get("maxLength", JSON_LENGTH)
    if TEMPLATE in schema:
        return forms.CharField(
            max_length=length, widget=UnfoldAdminTextareaWidget(attrs=_TEXT_ROWS), strip=False
        )
    offered = NAMES_LIST if EXPRESSION in schema else STEPS_LIST
    attrs = {"list": offered, "autocomplete": "off", "spellcheck": "false"}
    if EXPRESSION in schema:
        attrs["data-names"] = "expression"
    return forms.CharField(max_length=length, widget=UnfoldAdminTextInputWidget(attrs=attrs))


def _rows(label: str, workspace_id: Any, stored: Sequence[str]) -> list[tuple[str, str]]:
    rows = apps.get_model(label)._default_manager.filter(workspace=workspace_id).order_by("name")[:1000]
    found = {str(row.pk): str(row) for row in rows}
    return [*found.items(), *((pk, f"{pk} (not there any more)") for pk in stored if pk not in found)]
