"""What all serializers have in common."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models
from rest_framework import exceptions, serializers
from rest_framework.utils.html import is_html_input

from core.api.parsers import loaded

TIMES = ("created_at", "updated_at")
M = TypeVar("M", bound=models.Model)


# What each kind of field is in JSON, and how that is called.
KINDS: dict[type[serializers.Field[Any, Any, Any, Any]], tuple[type, str]] = {
    serializers.CharField: (str, "a text"),
    serializers.ChoiceField: (str, "a text"),
    serializers.UUIDField: (str, "a text"),
    serializers.DateTimeField: (str, "a text"),
    serializers.PrimaryKeyRelatedField: (str, "a text"),
    serializers.IntegerField: (int, "a whole number"),
    serializers.BooleanField: (bool, "true or false"),
}


class StrictSerializer(serializers.Serializer[Any]):
    """A field that nobody knows is an error: passed over, a misspelt filter would show more than was asked for. So is a
    value of another kind: "no" is no boolean, and 1 no name."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            if unknown := sorted(set(data) - set(self.fields)):
                told = serializers.ErrorDetail("There is no such field.", code="unknown")
                raise serializers.ValidationError(dict.fromkeys(unknown, told))
            if not is_html_input(data):
                self._check_kinds(data)
        return super().to_internal_value(data)

    def _check_kinds(self, data: dict[str, Any]) -> None:
        wrong = {
            name: serializers.ErrorDetail(f"Give {told}.", code="invalid")
            for name, field in self.fields.items()
            if not field.read_only and (told := _misfit(field, data.get(name)))
        }
        if wrong:
            raise serializers.ValidationError(wrong)


def _misfit(field: Any, value: Any) -> str:
    """What the value should be and is not; nulls and lists as such are for the field to judge."""
    child = getattr(field, "child", None) or getattr(field, "child_relation", None)
    if child and isinstance(value, list):
        return next(filter(None, (_misfit(child, one) for one in value)), "")
    longest = getattr(field, "max_length", None)
    if (
        isinstance(field, serializers.CharField)
        and isinstance(value, str)
        and longest
        and len(value) > longest
    ):
        return f"at most {longest} characters"  # those at its ends, too, that are not kept
    kind, told = next((KINDS[base] for base in type(field).__mro__ if base in KINDS), (object, ""))
    fits = type(value) is kind or kind is object or value is None
    return "" if fits else told


class ObjectField(serializers.JSONField):
    """A JSON object, in a form as its text."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        try:
            value = loaded(data) if isinstance(data, str) else data
        except exceptions.ParseError as error:
            raise serializers.ValidationError(error.detail) from error
        if not isinstance(value, dict):
            raise serializers.ValidationError('Send a JSON object, as in {"author": "Ada"}.')
        return value


class OylSerializer(StrictSerializer, serializers.ModelSerializer[M]):
    """`Meta.fixed` names what is said when an object is made, and not changed afterwards. Whether a row fits is decided by
    the model's own constraints, once, when it is saved."""

    class Meta:
        validators: list[Any] = []
        fixed: tuple[str, ...] = ()

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(self.instance, models.Model) and isinstance(data, dict):
            self._check_fixed(data, self.to_representation(self.instance))
        return super().to_internal_value(data)

    def _check_fixed(self, data: dict[str, Any], now: dict[str, Any]) -> None:
        """What cannot be changed may be said again, as a client does that sends back what it read."""
        fixed = [name for name in self.Meta.fixed if name in data and str(data[name]) != str(now[name])]
        if fixed:
            told = serializers.ErrorDetail("This stays as it was made.", code="fixed")
            raise serializers.ValidationError(dict.fromkeys(fixed, told))
