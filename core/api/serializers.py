"""The bases of all serializers."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from django.db import models
from rest_framework import exceptions, serializers
from rest_framework.utils.html import is_html_input

from core.api.bound_rows import bound_lookups_of, bound_rows
from core.api.parsers import load_json

TIMES = ("created_at", "updated_at")
READ_ONLY = serializers.ErrorDetail("OYL sets this: leave it out.", code="read_only")
FIXED = serializers.ErrorDetail("This stays as it was made.", code="fixed")
M = TypeVar("M", bound=models.Model)


TEXT = ((str,), "a text")
# The JSON types of each kind of field, and their name in messages.
KINDS: dict[type[serializers.Field[Any, Any, Any, Any]], tuple[tuple[type, ...], str]] = {
    serializers.CharField: TEXT,
    serializers.ChoiceField: TEXT,
    serializers.UUIDField: TEXT,
    serializers.DateTimeField: TEXT,
    serializers.PrimaryKeyRelatedField: TEXT,
    serializers.IntegerField: ((int,), "a whole number"),
    serializers.FloatField: ((int, float), "a number"),
    serializers.BooleanField: ((bool,), "true or false"),
}


class TypedSerializer(serializers.Serializer[Any]):
    """A value of another type is an error: "no" is no boolean, true no number, and 1 no name."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            wrong = {
                name: serializers.ErrorDetail(f"Give {kind}.", code="invalid")
                for name, field in self.fields.items()
                if not field.read_only and (kind := _expected_kind(field, data.get(name)))
            }
            if wrong and not is_html_input(data):
                raise serializers.ValidationError(wrong)
        return super().to_internal_value(data)


class StrictSerializer(TypedSerializer):
    """An unknown field is an error, too: if it were ignored, a misspelt filter would show more than was asked for."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := sorted(set(data) - set(self.fields))):
            writable = sorted(name for name, field in self.fields.items() if not field.read_only)
            detail = f"There is no such field. Known are: {', '.join(writable)}."
            error = serializers.ErrorDetail(detail, code="unknown")
            raise serializers.ValidationError(dict.fromkeys(unknown, error))
        return super().to_internal_value(data)


def _expected_kind(field: Any, value: Any) -> str:
    """What the value should be, if it is not; "" if it is. Nulls and lists as such are checked by the field."""
    child = getattr(field, "child", None) or getattr(field, "child_relation", None)
    if child and isinstance(value, list):
        return next(filter(None, (_expected_kind(child, one) for one in value)), "")
    longest = getattr(field, "max_length", None)
    if (
        isinstance(field, serializers.CharField)
        and isinstance(value, str)
        and longest
        and len(value) > longest
    ):
        return f"at most {longest} characters"  # with the surrounding whitespace, which the field would strip
    kinds, name = next((KINDS[base] for base in type(field).__mro__ if base in KINDS), ((), ""))
    return "" if not kinds or type(value) in kinds or value is None else name


class ObjectField(serializers.JSONField):
    """A JSON object; in a form, its text."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        try:
            value = load_json(data) if isinstance(data, str) else data
        except exceptions.ParseError as error:
            raise serializers.ValidationError(error.detail) from error
        if not isinstance(value, dict):
            raise serializers.ValidationError('Send a JSON object, as in {"author": "Ada"}.')
        return value


class RelatedField(serializers.PrimaryKeyRelatedField[Any]):
    """An object that the caller sees. One that a bound API key does not see is answered as one that does not exist."""

    default_error_messages = {
        "does_not_exist": "There is no such object: {pk_value}.",
        "incorrect_type": "Give the id of an object, as a text.",
    }

    def get_queryset(self) -> models.QuerySet[Any]:
        rows: Any = super().get_queryset()
        view = self.context.get("view")
        return bound_rows(view.actor, rows, bound_lookups_of(rows.model)) if view else rows


class OylSerializer(StrictSerializer, serializers.ModelSerializer[M]):
    """`Meta.fixed` names the fields that are set on creation and cannot be changed. Constraints are checked by the model
    when it is saved."""

    serializer_related_field = RelatedField

    class Meta:
        validators: list[Any] = []
        fixed: tuple[str, ...] = ()

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (wrong := self._unchangeable(data)):
            raise serializers.ValidationError(wrong)
        return super().to_internal_value(data)

    def _unchangeable(self, given: dict[str, Any]) -> dict[str, serializers.ErrorDetail]:
        """An error for each field that the caller may not set. The present value of one is accepted, because clients send
        back what they have read, and `updated_at` is passed over, because it changes with every change."""
        read_only = [name for name, field in self.fields.items() if field.read_only and name in given]
        if not isinstance(self.instance, models.Model):
            return dict.fromkeys(read_only, READ_ONLY) if self.instance is None else {}
        present = self.to_representation(self.instance)
        changed = {name for name in given if name in present and _text(given[name]) != _text(present[name])}
        fixed = changed.intersection(self.Meta.fixed)
        return {
            **dict.fromkeys(changed.intersection(read_only) - {"updated_at"}, READ_ONLY),
            **dict.fromkeys(fixed, FIXED),
        }


def _text(value: Any) -> str:
    """By which two values are compared that are the same in JSON."""
    return json.dumps(value, sort_keys=True, default=str)
