"""What bodies below `/v1/` say more than once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from rest_framework import serializers

from knowledge.openai.ids import pk_of

MOST_PAIRS, LONGEST_KEY, LONGEST_VALUE = 16, 64, 512
Field = serializers.Field[Any, Any, Any, Any]


class PairsField(Field):
    """Up to 16 names and values; nothing at all may be said as null."""

    kinds: tuple[type, ...] = (str,)
    told = "texts"

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, allow_null=True, **options)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict) or len(data) > MOST_PAIRS:
            raise serializers.ValidationError(f"Send an object of up to {MOST_PAIRS} names and values.")
        for name, value in data.items():
            if not 0 < len(name) <= LONGEST_KEY:
                raise serializers.ValidationError(f"Names have 1 to {LONGEST_KEY} characters.")
            if not isinstance(value, self.kinds) or len(str(value)) > LONGEST_VALUE:
                raise serializers.ValidationError(
                    f"'{name}' must be one of: {self.told}, of up to {LONGEST_VALUE} characters."
                )
        return data


class AttributesField(PairsField):
    """A document's metadata. What its file says of itself is kept under "file"."""

    kinds = (str, int, float)
    told = "texts, numbers, true, false"

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict) and "file" in data:
            raise serializers.ValidationError("'file' is taken. Choose another name.")
        return super().to_internal_value(data)


class IdField(Field):
    """As it was given out; what is no id is nobody's."""

    def to_internal_value(self, data: Any) -> UUID:
        try:
            return pk_of(data)
        except (ValueError, AttributeError, TypeError):
            raise serializers.ValidationError("This is no id.") from None


class TextsField(Field):
    """A text, or several."""

    def __init__(self, *, most: int, otherwise: Callable[[Any], None] = lambda one: None) -> None:
        super().__init__()
        self._most, self._check = most, otherwise

    def to_internal_value(self, data: Any) -> list[str]:
        texts = [data] if isinstance(data, str) else data
        if not isinstance(texts, list) or not 0 < len(texts) <= self._most:
            raise serializers.ValidationError(f"Send a text, or a list of 1 to {self._most} texts.")
        for one in texts:
            self._check(one)
            if not isinstance(one, str) or not one.strip():
                raise serializers.ValidationError("Each must be a text, and none be empty.")
        return texts
