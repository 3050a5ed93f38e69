"""`chunking_strategy`: how a vector store splits its files, which is the same for all of them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.serializers import TypedSerializer
from knowledge.engine_config import default_embedder
from knowledge.models import Reference
from knowledge.models.references import MIN_CHUNK_TOKENS
from knowledge.pipeline.values import ChunkSettings


class StaticSerializer(TypedSerializer):
    max_chunk_size_tokens = serializers.IntegerField(min_value=MIN_CHUNK_TOKENS)
    chunk_overlap_tokens = serializers.IntegerField(min_value=0)

    def validate(self, attrs: dict[str, int]) -> dict[str, int]:
        size, longest = attrs["max_chunk_size_tokens"], default_embedder().max_tokens
        if size > longest:
            message = f"The embedding model reads up to {longest} tokens."
            raise serializers.ValidationError({"max_chunk_size_tokens": message})
        if 2 * attrs["chunk_overlap_tokens"] > size:
            message = "Chunks overlap by at most half of their size."
            raise serializers.ValidationError({"chunk_overlap_tokens": message})
        return attrs


class ChunkingStrategySerializer(TypedSerializer):
    """Validates to the settings of a reference, which are the usual ones for `auto`."""

    type = serializers.ChoiceField(choices=["auto", "static"])
    static = StaticSerializer(required=False)

    def validate(self, attrs: dict[str, Any]) -> Any:
        if attrs["type"] == "auto":
            return ChunkSettings()
        if "static" not in attrs:
            raise serializers.ValidationError({"static": "Give the sizes."})
        static = attrs["static"]
        return ChunkSettings(
            max_tokens=static["max_chunk_size_tokens"], overlap=static["chunk_overlap_tokens"]
        )


def strategy_of(store: Reference) -> dict[str, Any]:
    """As it is shown with each file of the store."""
    if store.chunk_tokens is None:
        return {"type": "other"}
    sizes = {"max_chunk_size_tokens": store.chunk_tokens, "chunk_overlap_tokens": store.chunk_overlap}
    return {"type": "static", "static": sizes}


def check_strategy(store: Reference, settings: ChunkSettings | None) -> None:
    """Raises ValidationError for a file that is to be split in another way than the store's others."""
    if settings not in (None, ChunkSettings(), store.chunk_settings):
        own = (
            f"{store.chunk_tokens} tokens, {store.chunk_overlap} of overlap" if store.chunk_tokens else "auto"
        )
        message = f"A vector store splits its files alike, this one: {own}. Leave it out, or give it to a new store."
        raise serializers.ValidationError({"chunking_strategy": message})
