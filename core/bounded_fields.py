"""Fields that people and programs write. Each has a limit, which serializers, forms and `full_clean` check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.utils.deconstruct import deconstructible

from core.json_values import JSON_LENGTH, json_text

DESCRIPTION_LENGTH, INSTRUCTION_LENGTH = 10_000, 100_000

if TYPE_CHECKING:
    _TextField = models.TextField[Any, Any]
else:
    _TextField = models.TextField


def is_long(field: models.Field[Any, Any]) -> bool:
    """Whether the field's values may be too long for a list to load them all."""
    return isinstance(field, models.TextField | models.JSONField)


@deconstructible
class MaxJsonLengthValidator:
    """At most so many characters as compact JSON."""

    def __init__(self, limit: int = JSON_LENGTH) -> None:
        self.limit = limit

    def __call__(self, value: Any) -> None:
        if (length := len(json_text(value))) > self.limit:
            raise ValidationError(
                f"Send at most {self.limit:,} characters of JSON; these are {length:,}.", code="max_length"
            )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MaxJsonLengthValidator) and self.limit == other.limit

    __hash__ = None  # type: ignore[assignment]


class BoundedTextField(_TextField):
    """A text of up to `max_length` characters. Events keep the whole of a new text with `kept_in_events`, so that it can be
    restored, and otherwise its beginning (`audit.payloads`)."""

    def __init__(
        self,
        verbose_name: str | None = None,
        *,
        max_length: int = DESCRIPTION_LENGTH,
        kept_in_events: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(verbose_name, max_length=max_length, **kwargs)
        self.kept_in_events = kept_in_events
        self.validators.append(MaxLengthValidator(max_length))

    def deconstruct(self) -> Any:
        """Migrations have a plain text: the database does not know the limit."""
        name, _, args, kwargs = super().deconstruct()
        del kwargs["max_length"]
        return name, "django.db.models.TextField", args, kwargs


class BoundedJSONField(models.JSONField):
    """JSON of up to `JSON_LENGTH` characters."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.validators.append(MaxJsonLengthValidator())

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs
