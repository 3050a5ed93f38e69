"""A form that is made of a JSON Schema: one field for each property."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.apps import apps
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from core.admin.schema_fields import described, schema_field, select, shown, typed
from core.json_values import JSON_LENGTH
from workflows.steps.base import EXPRESSION, REFERS, STEP_KEY, TEMPLATE

NAMES_LIST, STEPS_LIST = "oyl-names", "oyl-steps"
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
            field = _field(name, own, workspace_id)
            field.required = name in required and own.get("type") != "boolean"
            field.initial = shown(own, value.get(name, own.get("default")))
            self.fields[name] = field

    @property
    def config(self) -> dict[str, Any]:
        values = ((name, typed(field, self.cleaned_data[name])) for name, field in self.fields.items())
        return {name: value for name, value in values if value not in (None, "")}


def _field(name: str, schema: Mapping[str, Any], workspace_id: Any) -> forms.Field:
    if REFERS in schema:
        return described(select(_choices(schema[REFERS], workspace_id)), name, schema)
    if schema.get("type") == "string" and {TEMPLATE, EXPRESSION, STEP_KEY} & schema.keys():
        return described(_text_field(schema), name, schema)
    field = schema_field(name, schema)
    if schema.get("format") == "textarea":
        field.widget.attrs["data-names"] = ""
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


def _choices(label: str, workspace_id: Any) -> list[tuple[str, str]]:
    rows = apps.get_model(label)._default_manager.filter(workspace=workspace_id).order_by("name")[:1000]
    return [("", "–"), *((str(row.pk), str(row)) for row in rows)]
