"""Search in a vector store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.openai.fields import Field, TextsField
from core.api.openai.views import OpenAIViewSet, validated
from core.isolation.scope import tenant_scope
from core.permissions import Role
from engines.vectors import Condition
from engines.vectors.fusion import MAX_FUSED_SCORE
from knowledge.bound_lookups import OF_REFERENCE
from knowledge.models import Document, Reference
from knowledge.openai.filters import condition_of
from knowledge.openai.ids import file_id
from knowledge.search.filters import SearchFilters
from knowledge.search.found_chunks import FoundChunk
from knowledge.search.service import search

MOST_QUERIES = 10


class ConditionField(Field):
    def to_internal_value(self, data: Any) -> Condition:
        return condition_of(data)


class RankingOptionsSerializer(serializers.Serializer[Any]):
    score_threshold = serializers.FloatField(required=False, min_value=0, max_value=1)


class SearchRequestSerializer(serializers.Serializer[Any]):
    query = TextsField(max_texts=MOST_QUERIES)
    filters = ConditionField(required=False, allow_null=True)
    max_num_results = serializers.IntegerField(min_value=1, max_value=50, default=10)
    ranking_options = RankingOptionsSerializer(required=False, allow_null=True)


class StoreSearchViewSet(OpenAIViewSet):
    """Passages that answer one or several questions, the best first."""

    area = "knowledge"
    model = Reference
    roles = {"POST": Role.VIEWER}
    bound_by = OF_REFERENCE
    only_reads = opens_own_scopes = True

    def create(self, request: Request, **kwargs: Any) -> Response:
        given = validated(SearchRequestSerializer, request.data)
        with tenant_scope(self.actor.tenant_id):
            store = self.get_object()
        least = (given.get("ranking_options") or {}).get("score_threshold", 0)
        found = self._found(store.pk, given)
        with tenant_scope(self.actor.tenant_id):
            data = _shown([one for one in found if _score(one) >= least])
        page = {"object": "vector_store.search_results.page", "has_more": False, "next_page": None}
        return Response({**page, "search_query": given["query"], "data": data})

    def _found(self, store_id: UUID, given: dict[str, Any]) -> list[FoundChunk]:
        """Of several questions' passages each once, with its best score."""
        filters, limit = (
            SearchFilters(references=(store_id,), where=given.get("filters")),
            given["max_num_results"],
        )
        answers = [
            search(actor=self.actor, query=query, limit=limit, filters=filters) for query in given["query"]
        ]
        best: dict[UUID, FoundChunk] = {}
        for one in sorted((one for some in answers for one in some), key=_score, reverse=True):
            best.setdefault(one.chunk_id, one)
        return list(best.values())[:limit]


def _score(passage: FoundChunk) -> float:
    """1 for what is first by meaning and first by words."""
    return passage.score / MAX_FUSED_SCORE


def _shown(passages: Sequence[FoundChunk]) -> list[dict[str, Any]]:
    ids = {passage.document_id for passage in passages}
    documents = {one.pk: one for one in Document.objects.filter(pk__in=ids).defer("text")}
    return [
        {
            "file_id": file_id(document),
            "filename": passage.filename,
            "score": _score(passage),
            "attributes": document.metadata_json,
            "content": [{"type": "text", "text": passage.text}],
        }
        for passage in passages
        if (document := documents.get(passage.document_id))
    ]
