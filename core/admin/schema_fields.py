"""Form fields that are made of a JSON Schema. What has no simple field is written as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from core.json_values import JSON_LENGTH, FormDecoder

Schema = Mapping[str, Any]
# The keyword for help that is no description of valid values.
HELP = "x-help"
BOOLEANS = [("", "–"), ("true", "Yes"), ("false", "No")]


class OptionalJSONField(forms.JSONField):
    """Without a value it is empty, and does not say null."""

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)


def schema_field(name: str, schema: Schema) -> forms.Field:
    """With its label and its help: `title`, and `x-help` or `description`. A secret (`writeOnly`) is never shown."""
    return described(_field(schema), name, schema)


def described(field: forms.Field, name: str, schema: Schema) -> forms.Field:
    field.label = str(schema.get("title") or name.replace("_", " ").capitalize())
    text = str(schema.get(HELP, schema.get("description", ""))) if schema.get("title") else ""
    field.help_text = f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""
    if examples := schema.get("examples"):
        field.widget.attrs["placeholder"] = str(examples[0])
    return field


def select(choices: list[tuple[str, str]]) -> forms.Field:
    return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget)


def shown(schema: Schema, value: Any) -> Any:
    """The value as the field shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "\n".join(map(str, value)) if _is_lines(schema) and isinstance(value, list) else value


def typed(field: forms.Field, cleaned: Any) -> Any:
    """The value of what the field has read; None or "" if it was left empty."""
    if isinstance(field, forms.ChoiceField) and field.choices == BOOLEANS:
        return {"true": True, "false": False}.get(cleaned)
    if "data-lines" in field.widget.attrs:
        return [line.strip() for line in (cleaned or "").splitlines() if line.strip()] or None
    return cleaned


def _field(schema: Schema) -> forms.Field:
    if "enum" in schema:
        return select([("", "–"), *((str(one), str(one)) for one in schema["enum"] if one is not None)])
    if _is_lines(schema):
        widget = UnfoldAdminTextareaWidget(attrs={"rows": 4, "data-lines": ""})
        return forms.CharField(widget=widget, max_length=JSON_LENGTH)
    return _FIELDS.get(str(schema.get("type")), _json_field)(schema)


def _is_lines(schema: Schema) -> bool:
    items = schema.get("items", {}) if schema.get("type") == "array" else {}
    return items.get("type") == "string" or bool("enum" in items and isinstance(items["enum"][0], str))


def _json_field(schema: Schema) -> forms.Field:
    attrs = {"rows": 5, "spellcheck": "false", "class": "oyl-code"}
    return OptionalJSONField(decoder=FormDecoder, widget=UnfoldAdminTextareaWidget(attrs=attrs))


def _text_field(schema: Schema) -> forms.Field:
    length = schema.get("maxLength", JSON_LENGTH)
    if schema.get("format") == "textarea":
        return forms.CharField(
            max_length=length, widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}), strip=False
        )
    if schema.get("writeOnly"):
        widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
        return forms.CharField(max_length=length, widget=widget, strip=False)
    return forms.CharField(max_length=length, widget=UnfoldAdminTextInputWidget())


_FIELDS: Mapping[str, Callable[[Schema], forms.Field]] = {
    "boolean": lambda schema: select(BOOLEANS),
    "integer": lambda schema: forms.IntegerField(widget=UnfoldAdminIntegerFieldWidget),
    "number": lambda schema: forms.FloatField(widget=UnfoldAdminIntegerFieldWidget(attrs={"step": "any"})),
    "string": _text_field,
}
