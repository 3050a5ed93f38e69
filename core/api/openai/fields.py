"""Fields of request bodies below `/v1/`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from rest_framework import serializers

from core.api.openai.ids import pk_of

MAX_PAIRS, MAX_KEY_LENGTH, MAX_VALUE_LENGTH = 16, 64, 512
Field = serializers.Field[Any, Any, Any, Any]


class PairsField(Field):
    """Up to 16 names and values; null is the same as none."""

    kinds: tuple[type, ...] = (str,)
    kinds_text = "texts"

    @classmethod
    def shown(cls, pairs: dict[str, Any]) -> dict[str, Any]:
        """Those that OpenAI's types have: other doors take any JSON."""
        return {name: value for name, value in pairs.items() if cls._fits(name) and cls._holds(value)}

    @classmethod
    def changed(cls, pairs: dict[str, Any], given: dict[str, Any] | None) -> dict[str, Any]:
        """`given` in place of those that are shown."""
        shown = cls.shown(pairs)
        return {**{name: value for name, value in pairs.items() if name not in shown}, **(given or {})}

    @classmethod
    def _fits(cls, name: str) -> bool:
        return 0 < len(name) <= MAX_KEY_LENGTH

    @classmethod
    def _holds(cls, value: Any) -> bool:
        return isinstance(value, cls.kinds) and len(str(value)) <= MAX_VALUE_LENGTH

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, allow_null=True, **options)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict) or len(data) > MAX_PAIRS:
            raise serializers.ValidationError(f"Send an object of up to {MAX_PAIRS} names and values.")
        for name, value in data.items():
            if not self._fits(name):
                raise serializers.ValidationError(f"Names have 1 to {MAX_KEY_LENGTH} characters.")
            if not self._holds(value):
                raise serializers.ValidationError(
                    f"'{name}' must be one of: {self.kinds_text}, of up to {MAX_VALUE_LENGTH} characters."
                )
        return data


class IdField(Field):
    """An id with or without its prefix."""

    def to_internal_value(self, data: Any) -> UUID:
        try:
            return pk_of(data)
        except (ValueError, AttributeError, TypeError):
            raise serializers.ValidationError("This is no id.") from None


class TextsField(Field):
    """A text, or a list of up to `max_texts`, each of up to `max_length` characters; `check` raises ValidationError for an
    item that is not allowed."""

    def __init__(
        self, *, max_texts: int, max_length: int, check: Callable[[Any], None] = lambda one: None
    ) -> None:
        super().__init__()
        self._max_texts, self._max_length, self._check = max_texts, max_length, check

    def to_internal_value(self, data: Any) -> list[str]:
        texts = [data] if isinstance(data, str) else data
        if not isinstance(texts, list) or not 0 < len(texts) <= self._max_texts:
            raise serializers.ValidationError(f"Send a text, or a list of 1 to {self._max_texts} texts.")
        for one in texts:
            self._check(one)
            if not isinstance(one, str) or not one.strip():
                raise serializers.ValidationError("Each must be a text, and none be empty.")
            if len(one) > self._max_length:
                raise serializers.ValidationError(f"A text has at most {self._max_length:,} characters.")
        return texts
