"""`POST /api/v1/assistants/{id}/ask/` and `/teammates/{id}/ask/`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request

from conversations.api.answers import RENDERERS, RESPONSES, AskSerializer, answer_response
from conversations.services.asking import ask
from core.api.views import TenantViewSet
from core.isolation.scope import tenant_scope
from core.permissions import Role

if TYPE_CHECKING:
    _View = TenantViewSet
else:
    _View = object
ASK: Any = {
    "detail": True,
    "methods": ["post"],
    "url_path": "ask",
    "url_name": "ask",
    "area": "conversations",
    "roles": {"POST": Role.VIEWER},
    "serializer_class": AskSerializer,
    "renderer_classes": RENDERERS,
    "opens_own_scopes": True,
}


class AskAssistantMixin(_View):
    @extend_schema(responses=RESPONSES)
    @action(**ASK)
    def ask(self, request: Request, pk: str) -> HttpResponseBase:
        """Ask an assistant.

        The answer, with its sources; as server-sent events if the client accepts these, or asks for them by `stream`.
        """
        return _asked(self, request, kind="assistant")


class AskTeammateMixin(_View):
    @extend_schema(responses=RESPONSES)
    @action(**ASK)
    def ask(self, request: Request, pk: str) -> HttpResponseBase:
        """Ask a teammate.

        It chooses who of its assistants answers, and says why. Otherwise as with an assistant.
        """
        return _asked(self, request, kind="teammate")


def _asked(view: TenantViewSet, request: Request, *, kind: str) -> HttpResponseBase:
    with tenant_scope(view.actor.tenant_id):
        whom: dict[str, Any] = {kind: view.get_object().pk}
    serializer = AskSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    data = serializer.validated_data
    events = ask(
        actor=view.actor,
        question=data["question"],
        conversation=data.get("conversation"),
        parent=data.get("parent"),
        keep=data["keep"],
        history=serializer.validated_history(),
        filters=serializer.validated_filters(),
        model=serializer.validated_model(),
        draft=data.get("draft"),
        **whom,
    )
    return answer_response(view, events, streams=data["stream"])
