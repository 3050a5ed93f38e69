"""Fields for names: one rule for every entry point, kept whenever a row is saved. In migrations they are Django's fields."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models

from core.errors import InvalidError
from core.names import FORBIDDEN, printable, without_forbidden

if TYPE_CHECKING:
    _Field = models.Field[str | int, str]
    _CharField = models.CharField[str | int, str]
    _EmailField = models.EmailField[str | int, str]
else:
    _Field, _CharField, _EmailField = models.Field, models.CharField, models.EmailField


def as_uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


def validate_name(value: str) -> None:
    """A validator of model, form and serializer fields. Raises ValidationError, which names the first forbidden character
    by its number."""
    if forbidden := FORBIDDEN.search(value):
        raise ValidationError(
            "A name has no line breaks, control characters or invisible characters. Remove U+%(code)04X,"
            " which is character number %(position)d.",
            code="invalid_name",
            params={"code": ord(forbidden[0]), "position": forbidden.end()},
        )


def validate_object_name(value: str) -> None:
    """Raises ValidationError for a character that names do not have, and for what could be read as an id."""
    validate_name(value)
    if as_uuid(value):
        raise ValidationError("A name must not look like an id. Choose another one.", code="invalid_name")


class _SavedByRule(_Field):
    """A field whose value passes through `by_rule` whenever its row is saved."""

    def by_rule(self, value: str) -> str:
        """The value to store. Raises InvalidError."""
        raise NotImplementedError

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = super().pre_save(model_instance, add)
        if isinstance(value, str):
            value = self.by_rule(value)
            setattr(model_instance, self.attname, value)
        return value

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        kind = "EmailField" if isinstance(self, models.EmailField) else "CharField"
        return name, f"django.db.models.{kind}", args, kwargs


def _refused(error: ValidationError) -> InvalidError:
    return InvalidError(" ".join(error.messages))


class NameField(_SavedByRule, _CharField):
    """A name in Unicode's form NFKC, without spaces at its ends. Saving raises InvalidError."""

    default_validators = [validate_object_name]

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return unicodedata.normalize("NFKC", value).strip() if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(self.to_python(value))

    def by_rule(self, value: str) -> str:
        name: str = self.to_python(value)
        try:
            validate_object_name(name)
        except ValidationError as error:
            raise _refused(error) from error
        return name


class AddressField(_SavedByRule, _EmailField):
    """An e-mail address: without invisible characters, which Django accepts in its domain. Saving raises InvalidError."""

    default_validators = [validate_email, validate_name]

    def by_rule(self, value: str) -> str:
        try:
            validate_name(value)
        except ValidationError as error:
            raise _refused(error) from error
        return value


class TagField(_SavedByRule, _CharField):
    """People are refused invisible characters in tags. Those that files bring are stored without them."""

    default_validators = [validate_name]

    def by_rule(self, value: str) -> str:
        return without_forbidden(value)


class FileNameField(_SavedByRule, _CharField):
    """The name of a file or its place in its source. It is never refused: what a name may not have is stored, and looked
    up, as escapes."""

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return printable(value) if isinstance(value, str) else value

    def by_rule(self, value: str) -> str:
        return printable(value)
