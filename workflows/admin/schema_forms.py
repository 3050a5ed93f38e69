"""A form that is made of a JSON Schema: one field for each property. What has no simple field is written as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.apps import apps
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from core.json_values import JSON_LENGTH, FormDecoder
from workflows.steps.base import EXPRESSION, REFERS, STEP_KEY, TEMPLATE

NAMES_LIST, STEPS_LIST = "oyl-names", "oyl-steps"
_BOOLEANS = [("", "–"), ("true", "Yes"), ("false", "No")]
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
            field = _field(own, workspace_id)
            field.label = str(own.get("title") or name.replace("_", " ").capitalize())
            field.help_text = own.get("description", "") if own.get("title") else ""
            field.required = name in required and own.get("type") != "boolean"
            field.initial = _shown(own, value.get(name, own.get("default")))
            self.fields[name] = field

    @property
    def config(self) -> dict[str, Any]:
        values = ((name, _value(field, self.cleaned_data[name])) for name, field in self.fields.items())
        return {name: value for name, value in values if value not in (None, "")}


def _field(schema: Mapping[str, Any], workspace_id: Any) -> forms.Field:
    if REFERS in schema:
        return _select(_choices(schema[REFERS], workspace_id))
    if "enum" in schema:
        return _select([("", "–"), *((str(one), str(one)) for one in schema["enum"] if one is not None)])
    kind = schema.get("type")
    if kind == "array" and _is_text(schema.get("items", {})):
        widget = UnfoldAdminTextareaWidget(attrs={"rows": 4, "data-lines": ""})
        return forms.CharField(widget=widget, max_length=JSON_LENGTH)
    return _FIELDS.get(str(kind), _json_field)(schema)


def _select(choices: list[tuple[str, str]]) -> forms.Field:
    return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget)


def _json_field(schema: Mapping[str, Any]) -> forms.Field:
    attrs = {"rows": 5, "spellcheck": "false", "class": "oyl-code"}
    return forms.JSONField(decoder=FormDecoder, widget=UnfoldAdminTextareaWidget(attrs=attrs))


def _text_field(schema: Mapping[str, Any]) -> forms.Field:
    length = schema.get("maxLength", JSON_LENGTH)
    if TEMPLATE in schema or schema.get("format") == "textarea":
        return forms.CharField(
            max_length=length, widget=UnfoldAdminTextareaWidget(attrs=_TEXT_ROWS), strip=False
        )
    offered = NAMES_LIST if EXPRESSION in schema else STEPS_LIST if STEP_KEY in schema else ""
    attrs = {"list": offered, "autocomplete": "off", "spellcheck": "false"} if offered else {}
    if EXPRESSION in schema:
        attrs["data-names"] = "expression"
    return forms.CharField(max_length=length, widget=UnfoldAdminTextInputWidget(attrs=attrs))


_FIELDS: Mapping[str, Callable[[Mapping[str, Any]], forms.Field]] = {
    "boolean": lambda schema: _select(_BOOLEANS),
    "integer": lambda schema: forms.IntegerField(widget=UnfoldAdminIntegerFieldWidget),
    "number": lambda schema: forms.FloatField(widget=UnfoldAdminIntegerFieldWidget(attrs={"step": "any"})),
    "string": _text_field,
}


def _choices(label: str, workspace_id: Any) -> list[tuple[str, str]]:
    rows = apps.get_model(label)._default_manager.filter(workspace=workspace_id).order_by("name")[:1000]
    return [("", "–"), *((str(row.pk), str(row)) for row in rows)]


def _is_text(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "string" or bool("enum" in schema and isinstance(schema["enum"][0], str))


def _shown(schema: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    is_list = schema.get("type") == "array" and _is_text(schema.get("items", {}))
    return "\n".join(map(str, value)) if is_list and isinstance(value, list) else value


def _value(field: forms.Field, cleaned: Any) -> Any:
    if isinstance(field, forms.ChoiceField) and field.choices == _BOOLEANS:
        return {"true": True, "false": False}.get(cleaned)
    if "data-lines" in field.widget.attrs:
        return [line.strip() for line in cleaned.splitlines() if line.strip()] or None
    return cleaned
