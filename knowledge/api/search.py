"""Search over REST."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any, TypeVar

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.bound_rows import bound_rows
from core.api.serializers import StrictSerializer
from core.api.views import TenantViewSet
from core.isolation.scope import tenant_scope
from core.permissions import Role
from engines.parsing import PageKind
from engines.vectors import Mode
from knowledge.bound_lookups import REFERENCE_LOOKUPS
from knowledge.errors import FilterInvalidError
from knowledge.models import Reference, TagLink
from knowledge.search.filter_language import DocumentField, Expression, parse_filter, parse_values
from knowledge.search.filters import SearchFilters
from knowledge.search.found_chunks import FoundChunk
from knowledge.search.reasons import Place, matched_in
from knowledge.search.service import MAX_LIMIT, MAX_QUERY_LENGTH, search

Parsed = TypeVar("Parsed")


@extend_schema_field(
    {
        "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"type": "object"}],
        "examples": [{"ne": "draft"}],
    }
)
class ComparedField(serializers.Field[Any, Any, Any, Any]):
    """Of one of the document's own fields, in the short form of the filter language."""

    def to_internal_value(self, data: Any) -> tuple[Expression, ...]:
        return _valid(parse_values, {DocumentField(str(self.field_name)): data})


@extend_schema_field({"type": "object", "examples": [{"gte": "2020-01-01", "lt": "2050-01-01"}]})
class RangeField(ComparedField):
    """Of a time."""


class MetadataFilterField(serializers.DictField):
    def to_internal_value(self, data: Any) -> dict[str, Any]:
        given: dict[str, Any] = super().to_internal_value(data)
        _valid(parse_values, given)
        return given


@extend_schema_field({"type": "object", "examples": [{"type": "ne", "key": "year", "value": 2024}]})
class ExpressionField(serializers.DictField):
    def to_internal_value(self, data: Any) -> Expression:  # type: ignore[override]
        return _valid(parse_filter, data)


def _valid(parse: Callable[[Any], Parsed], data: Any) -> Parsed:
    try:
        return parse(data)
    except FilterInvalidError as error:
        raise serializers.ValidationError(str(error)) from None


class FiltersSerializer(StrictSerializer):
    """The filter language of OYL; every condition given must hold."""

    references = serializers.ListField(child=serializers.UUIDField(), required=False)
    knowledge_base = serializers.UUIDField(required=False)
    documents = serializers.ListField(child=serializers.UUIDField(), required=False)
    tags_any = serializers.ListField(child=serializers.CharField(), required=False)
    tags_all = serializers.ListField(child=serializers.CharField(), required=False)
    tags_none = serializers.ListField(child=serializers.CharField(), required=False)
    metadata = MetadataFilterField(
        required=False,
        help_text="A scalar must equal, a list means any of; or comparisons (eq, ne, gt, gte, lt, lte, in, nin, exists,"
        ' contains), as in {"year": {"gte": 2024, "ne": 2026}}. Ranges are of numbers, or of dates in ISO 8601.',
    )
    filename = ComparedField(required=False, help_text='Equal to, one of, or as in {"contains": "report"}.')
    external_id = ComparedField(required=False, help_text="As `filename`.")
    type = ComparedField(
        required=False, help_text='"pdf", "word", "images", a MIME type, or a list of these.'
    )
    workspace = ComparedField(required=False, help_text="Its name or id, or a list of these.")
    created_at = RangeField(required=False, help_text='A range, as in {"gte": "2026-01-01"}.')
    updated_at = RangeField(required=False, help_text="A range.")
    where = ExpressionField(
        required=False,
        help_text='As for OpenAI\'s clients: {"type": "gte", "key": "year", "value": 2024}, with "field" in place of "key"'
        ' for the document\'s own fields, and {"type": "and"|"or"|"not", "filters": [...]}.',
    )


def search_filters(given: Mapping[str, Any]) -> SearchFilters:
    """From the data of a FiltersSerializer."""
    filters: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items()
    }
    where: list[Expression] = [filters.pop("where")] if "where" in filters else []
    for field in DocumentField:
        where += filters.pop(field, ())
    return SearchFilters(**filters, where=tuple(where))


class SearchSerializer(StrictSerializer):
    query = serializers.CharField(max_length=MAX_QUERY_LENGTH)
    mode = serializers.ChoiceField(choices=[mode.value for mode in Mode], default=Mode.HYBRID.value)
    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=10)
    filters = FiltersSerializer(required=False)
    min_score = serializers.FloatField(
        min_value=0,
        max_value=1,
        required=False,
        help_text="Leave out passages of lower relevance. Without it, nothing is found if even the best one is hardly"
        " relevant.",
    )
    operators = serializers.BooleanField(
        default=True,
        help_text='"phrases", -exclusions and field:value in the query are such. With false, all of it is text.',
    )
    fold_similar = serializers.BooleanField(
        default=False, help_text="Of near-identical passages only the best, with the ids of the others."
    )
    rerank = serializers.BooleanField(
        default=False,
        help_text="Let a model that reads question and passage together have its say in the order of the first ten."
        " It counts as ten more searches.",
    )
    explain = serializers.BooleanField(
        default=False,
        help_text="Each component's score of each passage, and where it has words of the query, too.",
    )


class ChunkTagSerializer(serializers.ModelSerializer[TagLink]):
    tag = serializers.CharField()

    class Meta:
        model = TagLink
        fields = ("tag", "source", "confidence")


class FoundChunkSerializer(serializers.Serializer[Any]):
    chunk_id = serializers.UUIDField()
    document_id = serializers.UUIDField()
    reference_id = serializers.UUIDField()
    filename = serializers.CharField()
    title = serializers.CharField(help_text="The document's own, or empty.")
    external_id = serializers.CharField(help_text="The document's, in its source.")
    mime_type = serializers.CharField()
    metadata = serializers.DictField(help_text="The document's, as they were given.")
    page = serializers.IntegerField(allow_null=True, help_text="That of its first word.")
    page_kind = serializers.ChoiceField(
        choices=[kind.value for kind in PageKind], help_text="What `page` counts."
    )
    last_page = serializers.IntegerField(allow_null=True, help_text="That of its last word.")
    heading = serializers.ListField(
        child=serializers.CharField(), help_text="The titles above, the highest first."
    )
    start = serializers.IntegerField(help_text="In characters of the document's text.")
    end = serializers.IntegerField()
    text = serializers.CharField()
    score = serializers.FloatField(help_text="The relevance, from 0 to 1, in all modes and languages.")
    scores = serializers.DictField(
        child=serializers.FloatField(), required=False, help_text="Of each component; with `explain` only."
    )
    matched_in = serializers.ListField(
        child=serializers.ChoiceField(choices=[place.value for place in Place]),
        required=False,
        help_text="Where it has words of the query; nowhere if it was found by its meaning. With `explain` only.",
    )
    tags = ChunkTagSerializer(many=True)
    similar = serializers.ListField(
        child=serializers.UUIDField(),
        help_text="Near-identical passages that were folded into this one, the best first.",
    )


class FoundSerializer(serializers.Serializer[Any]):
    results = FoundChunkSerializer(many=True)
    warnings = serializers.ListField(
        child=serializers.CharField(),
        help_text="What was asked for and not done, and names of filters that do not exist.",
    )


def _presented(chunk: FoundChunk) -> dict[str, Any]:
    """As `asdict`, which would copy each value and take longer than loading the chunks."""
    presented = {field.name: getattr(chunk, field.name) for field in fields(chunk)}
    return {**presented, "tags": [asdict(tag) for tag in chunk.tags]}


class SearchViewSet(TenantViewSet):
    """Passages that answer a question, the best first."""

    area = "knowledge"
    model = Reference
    roles = {"POST": Role.VIEWER}
    bound_by = REFERENCE_LOOKUPS
    only_reads = opens_own_scopes = True
    serializer_class = SearchSerializer

    @extend_schema(responses={200: FoundSerializer})
    def create(self, request: Request) -> Response:
        """Search."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        filters = search_filters(data.get("filters", {}))
        if self.actor.bound:
            with tenant_scope(self.actor.tenant_id):
                rows = bound_rows(self.actor, Reference.objects.all(), REFERENCE_LOOKUPS)
                bound = set(rows.values_list("pk", flat=True))
            asked = bound if filters.references is None else set(filters.references)
            filters = replace(filters, references=tuple(bound & asked))
        warnings: list[str] = []
        chunks = search(
            actor=self.actor,
            query=data["query"],
            mode=Mode(data["mode"]),
            limit=data["limit"],
            filters=filters,
            min_score=data.get("min_score"),
            operators=data["operators"],
            fold_similar=data["fold_similar"],
            rerank=data["rerank"],
            warn=warnings.append,
        )
        results = [_presented(chunk) for chunk in chunks]
        for chunk, result in zip(chunks, results, strict=True):
            if data["explain"]:
                result["matched_in"] = matched_in(data["query"], chunk, operators=data["operators"])
            else:
                del result["scores"]
        return Response({"results": results, "warnings": warnings})
