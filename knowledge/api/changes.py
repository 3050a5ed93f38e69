"""Which documents have changed since a program asked last."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.bound_rows import bound_rows
from core.api.filters import parameter_error, single_values
from core.api.pagination import LIMIT_SCHEMA, KeysetPagination, read_page
from core.api.views import READ, TenantViewSet
from knowledge.api.document_serializers import DocumentSerializer
from knowledge.bound_lookups import REFERENCE_LOOKUPS
from knowledge.models import Document, Reference
from knowledge.services.changes import (
    FIRST,
    Horizon,
    OutdatedPositionError,
    Position,
    changed_documents,
    current_horizon,
    renumber_restored,
)

KNOWN = ("since", "reference", "limit")
PARAMETERS = [
    OpenApiParameter(
        "since", str, description="The `next_cursor` of your last answer; all documents without it."
    ),
    OpenApiParameter("reference", OpenApiTypes.UUID, description="Only those of one reference."),
    OpenApiParameter("limit", LIMIT_SCHEMA, description="How many at a time."),
]


class ChangeSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    deleted = serializers.BooleanField(help_text="Or moved to where you do not look.")
    updated_at = serializers.DateTimeField(help_text="When it was changed or deleted.")
    document = DocumentSerializer(allow_null=True, help_text="As it is now; null if it is deleted.")


class ChangesSerializer(serializers.Serializer[Any]):
    results = ChangeSerializer(many=True)
    next_cursor = serializers.CharField(help_text="To be sent as `since` the next time. There always is one.")
    has_more = serializers.BooleanField(help_text="Whether to ask again at once.")


class ChangesMixin(TenantViewSet):
    """For the view of documents."""

    @extend_schema(parameters=PARAMETERS, responses={200: ChangesSerializer}, filters=False)
    @action(detail=False, methods=["get"], roles=READ)
    def changes(self, request: Request) -> Response:
        """List what has changed.

        Documents that were added, changed or deleted since a cursor, each once, in the order of their last changes: for
        programs that keep a copy. The first time, without a cursor, these are all documents."""
        given, limit = _parameters(request), KeysetPagination().get_page_size(request)
        horizon = current_horizon()
        since = _position(given["since"], horizon) if "since" in given else Position(horizon.server)
        is_restored = renumber_restored(horizon)
        rows = changed_documents(since, horizon, self._visible_references(given.get("reference")))
        page, has_more = read_page(rows.defer("text"), limit)
        end = Position(horizon.server, page[-1].changed_in, page[-1].pk) if has_more else horizon.position
        answer = {
            "results": self._changes(page, given),
            "next_cursor": str(end),
            "has_more": has_more or is_restored,
        }
        return Response(ChangesSerializer(answer).data)

    def _visible_references(self, wanted: str | None) -> list[UUID] | None:
        """None for all. Deleted ones are among them."""
        if wanted is None and self.actor.bound is None:
            return None
        rows = bound_rows(self.actor, Reference.with_deleted.all(), REFERENCE_LOOKUPS)
        return list((rows.filter(pk=wanted) if wanted else rows).values_list("pk", flat=True))

    def _changes(self, page: list[Document], given: dict[str, str]) -> list[dict[str, Any]]:
        present = self.get_queryset().filter(pk__in=[document.pk for document in page])
        if "reference" in given:
            present = present.filter(reference=given["reference"])
        documents = {document.pk: document for document in present}
        return [
            {
                "id": document.pk,
                "deleted": document.pk not in documents,
                "updated_at": document.updated_at,
                "document": documents.get(document.pk),
            }
            for document in page
        ]


def _parameters(request: Request) -> dict[str, str]:
    given = single_values(request.query_params)
    if unknown := sorted({*given} - {*KNOWN}):
        detail = f"There is no such parameter. Known are: {', '.join(KNOWN)}."
        raise parameter_error(unknown[0], detail, code="unknown")
    try:
        UUID(given.get("reference", str(FIRST)))
    except ValueError:
        raise parameter_error("reference", "Give the id of a reference.") from None
    return given


def _position(text: str, horizon: Horizon) -> Position:
    try:
        return Position.read(text, horizon)
    except OutdatedPositionError:
        detail = "OYL was restored from a backup, or its database has moved: begin anew, without `since`."
        raise parameter_error("since", detail, code="outdated") from None
    except ValueError:
        raise parameter_error("since", "Give the `next_cursor` of an earlier answer.") from None
