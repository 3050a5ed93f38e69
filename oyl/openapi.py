"""The OpenAPI document and the pages that show it. Both are public: they contain no more than the source, and are read
before one has a key."""

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

from core.api.expansion import expandable
from core.api.schema.descriptions import describe_fields, describe_parameters
from core.api.schema.examples import add_examples
from core.api.schema.problems import components
from oyl.routes import ROUTES

PREFIX = "/api/v1/"


@cache
def document() -> dict[str, Any]:
    """Cached, because it is the same for all users and depends only on the source."""
    made: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return made


def only_routes(endpoints: list[Any]) -> list[Any]:
    """Leave out the OpenAI-compatible API, which OpenAI documents."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith(PREFIX)]


def complete(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the components that operations refer to, the descriptions of tags, and examples."""
    for kind, named in components().items():
        result["components"][kind] = {**result["components"].get(kind, {}), **named}
    result["tags"] = [{"name": name, "description": inspect.getdoc(view)} for name, view in ROUTES.items()]
    _describe_expansions(result)
    describe_fields(result["components"]["schemas"])
    describe_parameters(result["paths"])
    add_examples(result)
    return result


def _describe_expansions(result: dict[str, Any]) -> None:
    """Add `expanded` to the components of objects that refer to others."""
    schemas = result["components"]["schemas"]
    components = {
        view.model: operation["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        for name, view in ROUTES.items()
        if "get" in (operation := result["paths"].get(f"{PREFIX}{name}/{{id}}/", {}))
    }
    for view in ROUTES.values():
        properties = {
            name: {"oneOf": [{"$ref": components[other.model]}, {"type": "null"}]}
            for name, other in expandable(view).items()
        }
        if properties and (reference := components.get(view.model)):
            schemas[reference.rpartition("/")[2]]["properties"]["expanded"] = {
                "type": "object",
                "description": "The objects that were asked for with `expand`; null for those that the caller does not see.",
                "properties": properties,
                "examples": [{}],
            }


@cache
def _render(media_type: str) -> bytes:
    (renderer,) = (kind for kind in SchemaView.renderer_classes if kind.media_type == media_type)
    return force_bytes(renderer().render(document(), renderer_context={}))


class SchemaView(APIView):
    """JSON, or YAML if `Accept` says so."""

    renderer_classes = tuple(reversed(SpectacularAPIView.renderer_classes))
    authentication_classes = permission_classes = ()

    def get(self, request: Request) -> HttpResponse:
        media_type = request.accepted_renderer.media_type
        return HttpResponse(_render(media_type), content_type=media_type)


class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI, served from our own static files: the page makes no request to other hosts."""

    http_method_names = ["get", "head"]
    authentication_classes = permission_classes = ()
