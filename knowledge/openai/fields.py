"""Fields that only documents have."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.openai.fields import PairsField


class AttributesField(PairsField):
    """A document's metadata. What its file says of itself is kept under "file"."""

    kinds = (str, int, float)
    kinds_text = "texts, numbers, true, false"

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict) and "file" in data:
            raise serializers.ValidationError("'file' is taken. Choose another name.")
        return super().to_internal_value(data)
