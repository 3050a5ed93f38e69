"""A configuration as one field of a form: it has a field of its own for each property of the schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from workflows.admin.schema_forms import SchemaForm, field_problems

Make = Callable[..., SchemaForm]


class ConfigWidget(forms.Widget):
    """`make` makes the form of a stored value, or of `data` that was sent. `context` is for the template."""

    use_fieldset = True

    def __init__(self, make: Make, **context: Any) -> None:
        super().__init__()
        self._make, self._context = make, context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> SchemaForm:
        return self._make({}, data, prefix=name)

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        form = value if isinstance(value, SchemaForm) else self._make(value or {}, prefix=name)
        return render_to_string("admin/workflows/config.html", {**self._context, "form": form})

    def id_for_label(self, id_: str | None) -> str:
        return ""


class ConfigField(forms.Field):
    def __init__(self, label: str, schema: Mapping[str, Any], workspace_id: Any, **context: Any) -> None:
        def make(value: Any, data: Any = None, *, prefix: str) -> SchemaForm:
            return SchemaForm(
                schema, value, data, prefix=prefix, workspace_id=workspace_id, use_required_attribute=False
            )

        super().__init__(widget=ConfigWidget(make, **context), required=False, label=label)

    def clean(self, value: Any) -> dict[str, Any]:
        if not value.is_valid():
            raise ValidationError([*field_problems(value)])
        config: dict[str, Any] = value.config
        return config

    def has_changed(self, initial: Any, data: Any) -> bool:
        return not data.is_valid() or data.config != initial
