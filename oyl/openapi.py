"""The OpenAPI document and the pages that show it. Both are open: they say no more than the source does, and somebody
without a key yet wants to read them, too."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

from django.http import HttpResponse
from django.utils.encoding import force_bytes
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.views import APIView

from core.api.schema.examples import add_examples
from core.api.schema.problems import components
from oyl.routes import ROUTES

PREFIX = "/api/v1/"


@cache
def document() -> dict[str, Any]:
    """It is the same for everybody, and changes with the source alone."""
    made: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return made


def only_routes(endpoints: list[Any]) -> list[Any]:
    """What has another contract, as OpenAI's, is described by whoever made that."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith(PREFIX)]


def complete(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """What operations refer to, what tags mean, and examples."""
    for kind, named in components().items():
        result["components"][kind] = {**result["components"].get(kind, {}), **named}
    result["tags"] = [{"name": name, "description": inspect.getdoc(view)} for name, view in ROUTES.items()]
    add_examples(result)
    return result


@cache
def _rendered(media_type: str) -> bytes:
    (renderer,) = (kind for kind in SchemaView.renderer_classes if kind.media_type == media_type)
    return force_bytes(renderer().render(document(), renderer_context={}))


class SchemaView(APIView):
    """JSON, or YAML if `Accept` says so."""

    renderer_classes = tuple(reversed(SpectacularAPIView.renderer_classes))
    authentication_classes = permission_classes = ()

    def get(self, request: Request) -> HttpResponse:
        media_type = request.accepted_renderer.media_type
        return HttpResponse(_rendered(media_type), content_type=media_type)


class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI, from our own static files: nothing is asked of any other host."""

    http_method_names = ["get", "head"]
    authentication_classes = permission_classes = ()
