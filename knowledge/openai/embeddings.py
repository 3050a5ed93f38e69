"""Embedding models, and embeddings of texts."""

from __future__ import annotations

import base64
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.bound_rows import BoundLookups
from core.api.openai.fields import TextsField
from core.api.openai.views import OpenAIViewSet, validated
from core.api.serializers import TypedSerializer
from core.batching import batched
from core.errors import NotFoundError
from core.isolation.scope import tenant_scope
from core.permissions import Role, bound_kinds
from core.quota_kinds import QuotaKind
from core.quotas import charge
from core.request_work import RequestWork, embedding_slots
from engines.embedding import Embedder, TextRole, Vectors
from knowledge.engine_config import embedder_configs, embedder_named

MAX_TEXTS, MAX_TEXT_LENGTH = 2048, 100_000
# As other servers name the roles of texts.
INPUT_TYPES = {"passage": TextRole.PASSAGE, "query": TextRole.QUESTION}
# Between slices, the request ends if its client has left or its time is up.
SLICE_TEXTS, SECONDS = 32, 120.0
# Models are no tenant's objects: a key bound to any object may use them.
OPEN_TO_BOUND_KEYS: BoundLookups = dict.fromkeys(bound_kinds(), ())


class ModelNotFoundError(NotFoundError):
    """There is no such model."""


def find_embedder(model: str) -> Embedder:
    """Raises ModelNotFoundError."""
    models = embedder_configs()
    if model not in models:
        raise ModelNotFoundError(f"There is no model '{model}'. There is: {', '.join(models)}.")
    return embedder_named(model)


def _refuse_tokens(item: Any) -> None:
    if isinstance(item, int | list):
        raise serializers.ValidationError(
            "Send texts, not tokens: yours are not those of this model."
            " (LangChain sends texts with check_embedding_ctx_length=False.)"
        )


class EmbeddingRequestSerializer(TypedSerializer):
    model = serializers.CharField()
    input = TextsField(max_texts=MAX_TEXTS, max_length=MAX_TEXT_LENGTH, check=_refuse_tokens)
    encoding_format = serializers.ChoiceField(choices=["float", "base64"], default="float")
    dimensions = serializers.IntegerField(required=False)
    input_type = serializers.ChoiceField(choices=list(INPUT_TYPES), default="passage")


class EmbeddingViewSet(OpenAIViewSet):
    """Vectors of texts."""

    area = "knowledge"
    roles = {"POST": Role.VIEWER}
    bound_by = OPEN_TO_BOUND_KEYS
    only_reads = opens_own_scopes = True

    def create(self, request: Request) -> Response:
        data = validated(EmbeddingRequestSerializer, request.data)
        embedder, texts = find_embedder(data["model"]), data["input"]
        if data.get("dimensions", embedder.dimensions) != embedder.dimensions:
            message = f"{embedder.model} makes vectors of {embedder.dimensions} dimensions, and no others."
            raise serializers.ValidationError({"dimensions": message})
        counts = embedder.count_tokens(texts)
        for number, count in enumerate(counts):
            if count > embedder.max_tokens:  # it would be truncated without the client noticing
                message = (
                    f"Text {number} has {count} tokens; the model reads {embedder.max_tokens}. Split it."
                )
                raise serializers.ValidationError({"input": message})
        vectors = self._embed(embedder, texts, counts, INPUT_TYPES[data["input_type"]])
        as_base64 = data["encoding_format"] == "base64"
        rows = [
            {
                "object": "embedding",
                "index": number,
                "embedding": base64.b64encode(vector.astype("<f4").tobytes()).decode()
                if as_base64
                else vector.tolist(),
            }
            for number, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": sum(counts), "total_tokens": sum(counts)}
        # To compress numbers takes long, and makes them hardly smaller.
        headers = {"Cache-Control": "private, no-store, no-transform"}
        data = {"object": "list", "data": rows, "model": embedder.model, "usage": usage}
        return Response(data, headers=headers)

    def _embed(
        self, embedder: Embedder, texts: list[str], tokens: list[int], role: TextRole
    ) -> list[Vectors]:
        """In slices, each of which is charged before it is embedded. Raises TooBusyError, QuotaExceededError,
        TookTooLongError, ClientLeftError."""
        tenant_id, work = self.actor.tenant_id, RequestWork(self.request._request, SECONDS)
        vectors: list[Vectors] = []
        with embedding_slots().hold(tenant_id):
            for part in batched(zip(texts, tokens, strict=True), SLICE_TEXTS):
                work.check()
                with tenant_scope(tenant_id):
                    amounts = {QuotaKind.EMBEDDING: sum(count for _, count in part)}
                    charge(actor=self.actor, amounts=amounts)
                vectors.extend(embedder.embed(tenant_id, [text for text, _ in part], role))
        return vectors
