"""The field for the names of objects: one rule for every entry point, checked whenever a row is saved."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models

from core.errors import InvalidError
from core.names import validate_name

if TYPE_CHECKING:
    _CharField = models.CharField[str | int, str]
else:
    _CharField = models.CharField


def as_uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


def validate_object_name(value: str) -> None:
    """Raises ValidationError for a character that names do not have, and for what could be read as an id."""
    validate_name(value)
    if as_uuid(value):
        raise ValidationError("A name must not look like an id. Choose another one.", code="invalid_name")


class NameField(_CharField):
    """A name in Unicode's form NFKC, without spaces at its ends. In migrations it is Django's field. Saving raises
    InvalidError."""

    default_validators = [validate_object_name]

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return unicodedata.normalize("NFKC", value).strip() if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(self.to_python(value))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = self.to_python(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        try:
            validate_object_name(value or "")
        except ValidationError as error:
            raise InvalidError(" ".join(error.messages)) from error
        return value

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs
