"""The base of all views below `/v1/`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import pagination, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.openai.ids import pk_of
from core.api.pagination import read_page
from core.api.views import TenantViewSet
from core.isolation.scope import tenant_scope

PAGE_SIZE, MAX_PAGE_SIZE = 20, 100
ENDS = ("first_id", "last_id")
ORDERS = {"asc": "pk", "desc": "-pk"}


class ListQuerySerializer(serializers.Serializer[Any]):
    limit = serializers.IntegerField(min_value=1, default=PAGE_SIZE)
    order = serializers.ChoiceField(choices=list(ORDERS), default="desc")
    after = serializers.CharField(required=False)
    before = serializers.CharField(required=False)


class IdPagination(pagination.BasePagination):
    """Keyset pagination by id: the objects after or before a given one. Ids are ordered by time, and so are pages."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        query = validated(ListQuerySerializer, request.query_params)
        rows, limit = queryset.order_by("pk"), min(query["limit"], MAX_PAGE_SIZE)
        is_ascending = query["order"] == "asc"
        for name, is_later in (("after", is_ascending), ("before", not is_ascending)):
            if name in query:
                try:
                    position = view.position(query[name])
                except ValueError:
                    raise serializers.ValidationError({name: "This is no id of this list."}) from None
                rows = rows.filter(**{"pk__gt" if is_later else "pk__lt": position})
        # The page before an object is read backwards from it.
        backwards = "before" in query and "after" not in query
        page, self.has_more = read_page(rows if is_ascending != backwards else rows.reverse(), limit)
        return page[::-1] if backwards else page

    def get_paginated_response(self, data: Any) -> Response:
        ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else dict.fromkeys(ENDS)
        return Response({"object": "list", "data": data, **ends, "has_more": self.has_more})


class RejectsExpiry(serializers.Serializer[Any]):
    """Refuses `expires_after`: nothing expires here, and a client that relies on it would keep its files for ever."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and any(name.startswith("expires_after") and data[name] for name in data):
            raise serializers.ValidationError(
                {"expires_after": "Nothing expires here. Leave it out, and delete."}
            )
        return super().to_internal_value(data)


def validated(kind: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """The known fields of a request; unknown ones are ignored, as OpenAI does. Raises ValidationError."""
    serializer = kind(data=data)
    serializer.is_valid(raise_exception=True)
    found: dict[str, Any] = serializer.validated_data
    return found


class OpenAIViewSet(TenantViewSet):
    """Lists have OpenAI's format. Changes are POSTs, as in OpenAI's API."""

    http_method_names = ["get", "post", "delete", "head"]
    schema = None  # not part of `/api/v1/`; docs/openai.md describes it
    pagination_class = IdPagination
    filter_backends = ()

    def position(self, public_id: str) -> UUID:
        """The primary key by which an object is ordered in the list. Raises ValueError."""
        return pk_of(public_id)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Ignore `Accept`: clients send application/binary, for example, and expect JSON."""
        return super().perform_content_negotiation(request, force=True)

    def list(self, request: Request, **kwargs: Any) -> Response:
        with tenant_scope(self.actor.tenant_id):
            page = self.paginate_queryset(self.get_queryset())
            return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, **kwargs: Any) -> Response:
        with tenant_scope(self.actor.tenant_id):
            return Response(self.get_serializer(self.get_object()).data)
