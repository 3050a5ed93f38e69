"""Fields of documents."""

from __future__ import annotations

from core.api.openai.fields import PairsField


class AttributesField(PairsField):
    """A document's metadata."""

    kinds = (str, int, float)
    kinds_text = "texts, numbers, true, false"
