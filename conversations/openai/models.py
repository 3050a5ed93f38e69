"""The list of models: assistants, teammates, and the embedding models."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from conversations.openai.partners import Partner, partner_named, partners
from core.api.openai.views import OpenAIViewSet
from core.api.views import READ
from core.isolation.scope import tenant_scope
from knowledge.engine_config import embedder_configs
from knowledge.openai.embeddings import OPEN_TO_BOUND_KEYS

# Of assistants, and of teammates. Those beyond can be used by their id.
MOST_LISTED = 1000


class ModelViewSet(OpenAIViewSet):
    """Assistants and teammates have their name as `name`."""

    area = "knowledge"
    roles = READ
    bound_by = OPEN_TO_BOUND_KEYS
    opens_own_scopes = True

    def list(self, request: Request, **kwargs: Any) -> Response:
        with tenant_scope(self.actor.tenant_id):
            rows = [row for found in partners(self.actor) for row in found.order_by("name")[:MOST_LISTED]]
        models = [_partner_object(row) for row in rows]
        models += [_model_object(model) for model in embedder_configs()]
        return Response({"object": "list", "data": models})

    def retrieve(self, request: Request, **kwargs: Any) -> Response:
        """Raises ModelNotFoundError."""
        if kwargs["name"] in embedder_configs():
            return Response(_model_object(kwargs["name"]))
        with tenant_scope(self.actor.tenant_id):
            return Response(_partner_object(partner_named(self.actor, kwargs["name"])))


def _partner_object(partner: Partner) -> dict[str, Any]:
    created = int(partner.created_at.timestamp())
    return {**_model_object(str(partner.pk)), "name": partner.name, "created": created}


def _model_object(model: str) -> dict[str, Any]:
    return {"id": model, "object": "model", "created": 0, "owned_by": "oyl"}
