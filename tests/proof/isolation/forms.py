"""The forms on a page: valid values for their fields, and the fields that take ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.forms.models import InlineForeignKeyField

from tests.proof.isolation.parties import Model, Party


class FieldPlace(NamedTuple):
    """A field that takes an id: its name in the posted data, and the model whose ids it takes."""

    field: str
    model: Model

    def filled_with(self, pk: UUID) -> dict[str, str]:
        """Return the posted data. A formset's row with an id is posted as an existing one."""
        formset, number, name = f"--{self.field}".rsplit("-", 2)
        existing = {f"{formset[2:]}-INITIAL_FORMS": "1"} if (number, name) == ("0", "id") else {}
        return {self.field: str(pk), **existing}


def forms_on(page: Any) -> list[Any]:
    """Return the page's form, and one new row of each of its formsets."""
    context = page.context or {}
    main = context["adminform"].form if "adminform" in context else context.get("form")
    return [*([main] if main else []), *(_new_row(formset) for formset in formsets_on(page))]


def formsets_on(page: Any) -> list[Any]:
    context = page.context or {}
    inlines = context.get("inline_admin_formsets") or []
    return [inline.formset for inline in inlines]


def filled_in(page: Any, party: Party) -> dict[str, Any]:
    """Return the data that the page would post, with a new row in each formset."""
    data = {
        form.add_prefix(name): _value(form, name, field, party)
        for form in forms_on(page)
        for name, field in form.fields.items()
    }
    for formset in formsets_on(page):
        data |= {f"{formset.prefix}-TOTAL_FORMS": "1", f"{formset.prefix}-INITIAL_FORMS": "0"}
    return {name: value for name, value in data.items() if value is not None}


def places_on(page: Any) -> Iterator[FieldPlace]:
    for form in forms_on(page):
        for name, field in form.fields.items():
            if isinstance(field, forms.ModelChoiceField):
                yield FieldPlace(form.add_prefix(name), _model(field))
            elif isinstance(field, InlineForeignKeyField):
                yield FieldPlace(form.add_prefix(name), type(field.parent_instance))


def errors_on(page: Any) -> set[str]:
    """Return the names of the fields with errors."""
    context = page.context or {}
    main = context["adminform"].form if "adminform" in context else context.get("form")
    found = {main.add_prefix(name) for name in main.errors} if main else set()
    for formset in formsets_on(page):
        found |= {form.add_prefix(name) for form in formset.forms for name in form.errors}
    return found


def _new_row(formset: Any) -> Any:
    """Return `formset.empty_form` with a number."""
    row = formset.empty_form
    row.prefix = formset.add_prefix(0)
    return row


def _value(form: Any, name: str, field: Any, party: Party) -> Any:
    if isinstance(field, forms.ModelMultipleChoiceField):
        return [str(party.id_of(_model(field)))]
    if isinstance(field, InlineForeignKeyField):
        return str(field.parent_instance.pk)
    if isinstance(field, forms.ModelChoiceField):
        return None if name == "id" else str(party.id_of(_model(field)))
    if isinstance(field, forms.FileField):
        return [SimpleUploadedFile("tried.txt", b"tried")]
    if isinstance(field, forms.JSONField):
        return "{}"
    if initial := form[name].value():
        return initial
    return _placeholder(field)


def _placeholder(field: Any) -> Any:
    if isinstance(field, forms.BooleanField):
        return None
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices
        return next((value for value, _ in choices if value), "")
    if isinstance(field, forms.EmailField):
        return f"{uuid4().hex}@example.org"
    return f"tried {uuid4().hex[:8]}" if isinstance(field, forms.CharField) and field.required else ""


def _model(field: forms.ModelChoiceField[Any]) -> Model:
    assert field.queryset is not None
    return field.queryset.model
