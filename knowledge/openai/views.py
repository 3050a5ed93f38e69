"""What all views below `/v1/` have in common."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import pagination, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from knowledge.openai.ids import pk_of
from tenants.api.views import TenantViewSet
from tenants.permissions import Area
from tenants.scope import tenant_scope

PAGE, MOST = 20, 100
ENDS = ("first_id", "last_id")
ORDERS = {"asc": "pk", "desc": "-pk"}


class ListQuery(serializers.Serializer[Any]):
    limit = serializers.IntegerField(min_value=1, default=PAGE)
    order = serializers.ChoiceField(choices=list(ORDERS), default="desc")
    after = serializers.CharField(required=False)
    before = serializers.CharField(required=False)


class IdPages(pagination.BasePagination):
    """After or before an object, named by its id. Ids are ordered by time, so that the pages are, too."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        asked = checked(ListQuery, request.query_params)
        rows, limit = queryset.order_by("pk"), min(asked["limit"], MOST)
        is_rising = asked["order"] == "asc"
        for name, beyond in (("after", is_rising), ("before", not is_rising)):
            if name in asked:
                rows = rows.filter(**{"pk__gt" if beyond else "pk__lt": _place(view, name, asked[name])})
        # The page before an object is read backwards from it.
        backwards = "before" in asked and "after" not in asked
        found = list((rows if is_rising != backwards else rows.reverse())[: limit + 1])
        self.has_more = len(found) > limit
        return found[:limit][::-1] if backwards else found[:limit]

    def get_paginated_response(self, data: Any) -> Response:
        ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else dict.fromkeys(ENDS)
        return Response({"object": "list", "data": data, **ends, "has_more": self.has_more})


def _place(view: Any, name: str, public_id: str) -> UUID:
    try:
        found: UUID = view.place(public_id)
    except ValueError:
        raise serializers.ValidationError({name: "This is no id of this list."}) from None
    return found


class Lasting(serializers.Serializer[Any]):
    """What is to go by itself would stay: better to say so at once."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and any(name.startswith("expires_after") and data[name] for name in data):
            raise serializers.ValidationError(
                {"expires_after": "Nothing expires here. Leave it out, and delete."}
            )
        return super().to_internal_value(data)


def checked(kind: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """What a request says; fields that nobody knows are passed over. Raises ValidationError."""
    serializer = kind(data=data)
    serializer.is_valid(raise_exception=True)
    found: dict[str, Any] = serializer.validated_data
    return found


class OpenAIViewSet(TenantViewSet):
    """Lists have OpenAI's shape. Changes are POSTs there."""

    http_method_names = ["get", "post", "delete", "head"]
    area = Area.KNOWLEDGE
    schema = None  # it is told of in docs/openai.md, and is not part of `/api/v1/`
    pagination_class = IdPages
    filter_backends = ()

    def place(self, public_id: str) -> UUID:
        """Where in the list an object is. Raises ValueError."""
        return pk_of(public_id)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Clients ask for application/binary, say, and know what they get."""
        return super().perform_content_negotiation(request, force=True)

    def list(self, request: Request, **kwargs: Any) -> Response:
        with tenant_scope(self.actor.tenant_id):
            page = self.paginate_queryset(self.get_queryset())
            return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, **kwargs: Any) -> Response:
        return Response(self.get_serializer(self.get_object()).data)
