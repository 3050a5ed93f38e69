"""The form of an integration: one field for each property of its type's schema. Secrets are never shown; an empty field
keeps what is stored, and a box below it clears it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.views.decorators.debug import sensitive_variables

from core.admin import TenantForm
from core.admin.schema_fields import schema_field, shown, typed
from core.json_schema import problems
from workspaces.integrations import IntegrationError, IntegrationKind
from workspaces.integrations.base import SHOWN, Schema
from workspaces.models import IntegrationConfig

PREFIX, CLEAR = "config-", "clear-"


@sensitive_variables()
def stored(integration: IntegrationConfig | None) -> dict[str, Any]:
    """The configuration; {} where there is none that can be used."""
    try:
        return integration.read_config() if integration else {}
    except IntegrationError:
        return {}


def field_names(kind: IntegrationKind, integration: IntegrationConfig | None) -> list[str]:
    names = []
    kept = stored(integration)
    for name, schema in kind.form["properties"].items():
        names.append(f"{PREFIX}{name}")
        if _is_secret(schema) and name in kept and name not in kind.form["required"]:
            names.append(f"{CLEAR}{name}")
    return names


def _is_secret(schema: Schema) -> bool:
    return bool(schema.get("writeOnly")) and not schema.get(SHOWN)


def form_of(
    kind: IntegrationKind | None, integration: IntegrationConfig | None
) -> type[forms.ModelForm[Any]]:
    """The class of the form for this type and what is stored of it."""
    if kind is None:
        return _JsonForm
    fields = dict(_fields(kind, stored(integration)))
    return type("IntegrationForm", (_IntegrationForm,), {**fields, "kind": kind})


@sensitive_variables()
def _fields(kind: IntegrationKind, kept: Mapping[str, Any]) -> Iterator[tuple[str, forms.Field]]:
    for name, schema in kind.form["properties"].items():
        field = schema_field(
            name, {key: value for key, value in schema.items() if not schema.get(SHOWN) or key != "writeOnly"}
        )
        is_kept = _is_secret(schema) and name in kept
        field.required = False  # another form may give all of it as JSON
        field.label = f"{field.label}{' *' if name in kind.form['required'] else ''}"
        if is_kept:
            field.help_text = f"{field.help_text} One is stored; leave this empty to keep it."
            field.widget.attrs["placeholder"] = "••••••••"
        elif name in kept:
            field.initial = shown(schema, kept[name])
        yield f"{PREFIX}{name}", field
        if is_kept:
            label = f"Remove the stored {str(schema.get('title', name)).lower()}"
            yield f"{CLEAR}{name}", forms.BooleanField(required=False, label=label)


class _JsonForm(TenantForm):
    """`config_encrypted_json` replaces all of the configuration."""


class _IntegrationForm(TenantForm):
    kind: IntegrationKind

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "type_enum" in self.fields:  # the form is that of this type
            self.fields["type_enum"].widget = forms.HiddenInput()

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("config_encrypted_json") or self.errors:
            return cleaned
        config = self._config(cleaned)
        for name, schema in self.kind.form["properties"].items():
            if name in config and (found := problems(schema, config[name])):
                self.add_error(f"{PREFIX}{name}", [sentence.replace("The value", "It") for sentence in found])
            elif name in self.kind.form["required"] and name not in config:
                self.add_error(f"{PREFIX}{name}", "This field is required.")
        if not self.errors and config != stored(self._before()):
            self.cleaned_data["config_encrypted_json"] = config
        return cleaned

    @sensitive_variables()
    def _config(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        kept, config = stored(self._before()), {}
        for name, schema in self.kind.form["properties"].items():
            value = typed(self.fields[f"{PREFIX}{name}"], cleaned.get(f"{PREFIX}{name}"))
            is_cleared = cleaned.get(f"{CLEAR}{name}")
            if value not in (None, "", {}):
                config[name] = value
            elif _is_secret(schema) and name in kept and not is_cleared:
                config[name] = kept[name]
        return config

    def _before(self) -> IntegrationConfig | None:
        return None if self.instance._state.adding else self.instance
