"""Search in a vector store."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.openai.fields import Field, TextsField
from core.api.openai.views import OpenAIViewSet, validated
from core.api.serializers import TypedSerializer
from core.isolation.scope import tenant_scope
from core.permissions import Role
from core.request_work import RequestWork
from knowledge.bound_lookups import REFERENCE_LOOKUPS
from knowledge.errors import FilterInvalidError
from knowledge.models import Document, Reference
from knowledge.openai.fields import AttributesField
from knowledge.openai.ids import file_id
from knowledge.search.filter_language import Expression, parse_filter
from knowledge.search.filters import SearchFilters
from knowledge.search.found_chunks import FoundChunk
from knowledge.search.service import MAX_QUERY_LENGTH, search
from knowledge.search.warnings import Warn

MAX_QUERIES, SECONDS = 10, 60.0
# Names of OpenAI's rankers. Either stands for the configured reranker.
RERANKERS = ("auto", "default-2024-11-15")


class ExpressionField(Field):
    def to_internal_value(self, data: Any) -> Expression:
        try:
            return parse_filter(data)
        except FilterInvalidError as error:
            raise serializers.ValidationError(str(error)) from None


class RankingOptionsSerializer(TypedSerializer):
    ranker = serializers.ChoiceField(choices=[*RERANKERS, "none"], default="none")
    score_threshold = serializers.FloatField(required=False, min_value=0, max_value=1)
    hybrid_search = serializers.JSONField(required=False)

    def validate_hybrid_search(self, value: Any) -> None:
        raise serializers.ValidationError("Words and meaning have fixed weights. Leave it out.")


class SearchRequestSerializer(TypedSerializer):
    query = TextsField(max_texts=MAX_QUERIES, max_length=MAX_QUERY_LENGTH)
    filters = ExpressionField(required=False, allow_null=True)
    max_num_results = serializers.IntegerField(min_value=1, max_value=50, default=10)
    ranking_options = RankingOptionsSerializer(required=False, allow_null=True)
    rewrite_query = serializers.BooleanField(default=False)

    def validate_rewrite_query(self, value: bool) -> bool:
        if value:
            raise serializers.ValidationError("Questions are searched as they are. Leave it out.")
        return value


class StoreSearchViewSet(OpenAIViewSet):
    """Chunks that answer one or several queries, the best first."""

    area = "knowledge"
    model = Reference
    roles = {"POST": Role.VIEWER}
    bound_by = REFERENCE_LOOKUPS
    only_reads = opens_own_scopes = True

    def create(self, request: Request, **kwargs: Any) -> Response:
        data = validated(SearchRequestSerializer, request.data)
        with tenant_scope(self.actor.tenant_id):
            store = self.get_object()
        warnings: list[str] = []
        chunks = self._search(store.pk, data, warnings.append)
        ids = {chunk.document_id for chunk in chunks}
        with tenant_scope(self.actor.tenant_id):
            documents = {
                document.pk: document for document in Document.objects.filter(pk__in=ids).defer("text")
            }
        results = [
            {
                "file_id": file_id(document),
                "filename": chunk.filename,
                "score": chunk.score,
                "attributes": AttributesField.shown(document.metadata_json),
                "content": [{"type": "text", "text": chunk.text}],
            }
            for chunk in chunks
            if (document := documents.get(chunk.document_id))
        ]
        page: dict[str, Any] = {
            "object": "vector_store.search_results.page",
            "has_more": False,
            "next_page": None,
        }
        if warnings:  # which OpenAI does not have
            page["warnings"] = list(dict.fromkeys(warnings))
        return Response({**page, "search_query": data["query"], "data": results})

    def _search(self, store_id: UUID, data: dict[str, Any], warn: Warn) -> list[FoundChunk]:
        """Each chunk that answers one of the queries once, with its best score."""
        limit, ranking = data["max_num_results"], data.get("ranking_options") or {}
        filters: Expression | None = data.get("filters")
        options: dict[str, Any] = {
            "filters": SearchFilters(references=(store_id,), where=(filters,) if filters else ()),
            "min_score": ranking.get("score_threshold"),
            "rerank": ranking.get("ranker") in RERANKERS,
        }
        chunks: list[FoundChunk] = []
        work = RequestWork(self.request._request, SECONDS)
        for query in data["query"]:
            work.check()
            chunks += search(actor=self.actor, query=query, limit=limit, warn=warn, **options)
        best: dict[UUID, FoundChunk] = {}
        for chunk in sorted(chunks, key=lambda chunk: -chunk.score):
            best.setdefault(chunk.chunk_id, chunk)
        return list(best.values())[:limit]
