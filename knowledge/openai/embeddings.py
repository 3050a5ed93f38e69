"""The embedding model, and what it makes of texts."""

from __future__ import annotations

import base64
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.openai.fields import TextsField
from core.api.openai.views import OpenAIViewSet, validated
from core.api.views import READ, BoundLookups
from core.errors import NotFoundError
from core.permissions import Role, bound_kinds
from engines.embedding import Embedder, Vectors
from knowledge.engine_config import embedder_configs, embedder_named

MOST_TEXTS = 2048
# What belongs to nobody is open to keys that are bound to whatever.
ANYBODYS: BoundLookups = dict.fromkeys(bound_kinds(), ())


class ModelNotFoundError(NotFoundError):
    """There is no such model."""


def named_embedder(name: str) -> Embedder:
    """Raises ModelNotFoundError."""
    known = embedder_configs()
    if name not in known:
        raise ModelNotFoundError(f"There is no model '{name}'. There is: {', '.join(known)}.")
    return embedder_named(name)


def _shown(model: str) -> dict[str, Any]:
    return {"id": model, "object": "model", "created": 0, "owned_by": "oyl"}


class ModelViewSet(OpenAIViewSet):
    """The embedding models."""

    area = "knowledge"
    roles = READ
    bound_by = ANYBODYS
    opens_own_scopes = True

    def list(self, request: Request, **kwargs: Any) -> Response:
        return Response({"object": "list", "data": list(map(_shown, embedder_configs()))})

    def retrieve(self, request: Request, **kwargs: Any) -> Response:
        return Response(_shown(named_embedder(kwargs["name"]).model))


def _refuse_tokens(one: Any) -> None:
    if isinstance(one, int | list):
        raise serializers.ValidationError(
            "Send texts, not tokens: yours are not those of this model."
            " (LangChain sends texts with check_embedding_ctx_length=False.)"
        )


class EmbeddingRequestSerializer(serializers.Serializer[Any]):
    model = serializers.CharField()
    input = TextsField(max_texts=MOST_TEXTS, check=_refuse_tokens)
    encoding_format = serializers.ChoiceField(choices=["float", "base64"], default="float")
    dimensions = serializers.IntegerField(required=False)


class EmbeddingViewSet(OpenAIViewSet):
    """Vectors of texts."""

    area = "knowledge"
    roles = {"POST": Role.VIEWER}
    bound_by = ANYBODYS
    only_reads = opens_own_scopes = True

    def create(self, request: Request) -> Response:
        given = validated(EmbeddingRequestSerializer, request.data)
        embedder, texts = named_embedder(given["model"]), given["input"]
        _check_dimensions(given.get("dimensions"), embedder)
        counts = embedder.count_tokens(texts)
        _check_lengths(counts, embedder.max_tokens)
        vectors = embedder.embed(self.actor.tenant_id, texts)
        encode = _as_base64 if given["encoding_format"] == "base64" else _as_numbers
        data = [
            {"object": "embedding", "index": number, "embedding": encode(vector)}
            for number, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": sum(counts), "total_tokens": sum(counts)}
        return Response({"object": "list", "data": data, "model": embedder.model, "usage": usage})


def _check_dimensions(wanted: int | None, embedder: Embedder) -> None:
    if wanted is not None and wanted != embedder.dimensions:
        told = f"{embedder.model} makes vectors of {embedder.dimensions} dimensions, and no others."
        raise serializers.ValidationError({"dimensions": told})


def _check_lengths(counts: list[int], most: int) -> None:
    """What the model would not read to its end is refused: a vector of its beginning would say less than asked for."""
    for number, count in enumerate(counts):
        if count > most:
            told = f"Text {number} has {count} tokens; the model reads {most}. Split it."
            raise serializers.ValidationError({"input": told})


def _as_base64(vector: Vectors) -> str:
    """32-bit floats, the lowest byte first."""
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def _as_numbers(vector: Vectors) -> list[float]:
    numbers: list[float] = vector.tolist()
    return numbers
