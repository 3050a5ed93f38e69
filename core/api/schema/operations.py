"""The description of one operation: permissions, parameters, bodies and responses."""

from __future__ import annotations

import inspect
from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.permissions import SAFE_METHODS
from rest_framework.serializers import JSONField, ModelSerializer

from core.api import expansion
from core.api.expansion import expandable
from core.api.idempotency import MAX_KEY_LENGTH
from core.api.schema.problems import headers, response_reference
from core.api.views import WITH_ETAG
from core.permissions import scope

KEY_HELP = "Any name for this request. Sent again under it within 24 hours, it has no second effect and the same answer."
IF_MATCH_HELP = "The `ETag` that you read: 412 when the object has changed since."
IF_NONE_MATCH_HELP = "The `ETag` that you have: 304 when nothing has changed since."
# The names of operations, as generators of clients make methods of them.
VERBS = {"retrieve": "get", "partial_update": "update", "destroy": "delete"}
SUMMARIES = {
    "list": "List {plural}",
    "create": "Make {one}",
    "retrieve": "Get {one}",
    "partial_update": "Change {one}",
    "destroy": "Delete {one}",
}


def header_parameter(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.HEADER, description=description)


def _expand_parameter(names: list[str]) -> OpenApiParameter:
    schema = {"type": "array", "items": {"type": "string", "enum": names}, "minItems": 1}
    return OpenApiParameter(
        expansion.PARAMETER, schema, style="form", explode=False, description=expansion.HELP
    )


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The description of KeyAuthentication."""

    target_class = "core.api.views.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        text = "A key of yours, made in the admin under *API keys*: `oyl_…`."
        return {"type": "http", "scheme": "bearer", "bearerFormat": "oyl_<id>_<secret>", "description": text}


class Operation(AutoSchema):
    """An operation of a TenantViewSet."""

    view: Any

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        self.view.queryset = self.view.model._default_manager.none()  # get_queryset needs an actor
        return super().get_operation(*args, **kwargs)

    def get_operation_id(self) -> str:
        creates = self.view.action == "create" and self.view.only_reads
        verb = "query" if creates else VERBS.get(self.view.action, self.view.action)
        return f"{self.view.basename}_{verb}".replace("-", "_")

    def get_tags(self) -> list[str]:
        return [self.view.basename]

    def get_summary(self) -> str:
        names = self.view.model._meta
        name = str(names.verbose_name)
        one = f"{'an' if name[0] in 'aeiouA' else 'a'} {name}"
        default = SUMMARIES.get(self.view.action, "").format(one=one, plural=names.verbose_name_plural)
        return self._split_docstring()[0] or default

    def get_description(self) -> str:  # type: ignore[override]
        bound = "" if self.view.bound_by else " A bound key does not open it."
        of_key = f", and of a key the scope `{self._scope}`" if self._scope else ""
        needed = f"Needs the role `{self._role}`{of_key}.{bound}"
        return "\n\n".join(
            filter(None, (self._split_docstring()[1], inspect.getdoc(type(self.view)), needed))
        )

    def get_extensions(self) -> dict[str, Any]:
        return {"x-required-role": self._role, "x-required-scope": self._scope}

    def get_override_parameters(self) -> list[Any]:
        found = []
        if self._accepts_idempotency_key:
            name, schema = "Idempotency-Key", {"type": "string", "maxLength": MAX_KEY_LENGTH}
            found.append(OpenApiParameter(name, schema, OpenApiParameter.HEADER, description=KEY_HELP))
        if self._is_conditional:
            found.append(header_parameter("If-None-Match", IF_NONE_MATCH_HELP))
        if self.view.action in ("list", "retrieve") and (names := [*expandable(self.view)]):
            found.append(_expand_parameter(names))
        if self.method in ("PATCH", "DELETE"):
            found.append(header_parameter("If-Match", IF_MATCH_HELP))
        return found

    def _split_docstring(self) -> tuple[str, str]:
        """The first sentence of the action's docstring, and the rest."""
        text = " ".join((inspect.getdoc(getattr(self.view, self.view.action)) or "").split())
        sentence, _, more = text.partition(". ")
        return sentence.rstrip("."), more

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        answers = super()._get_response_bodies(direction)
        for code, answer in answers.items():
            answer["description"] = HTTPStatus(int(code)).phrase
            answer["headers"] = self._get_response_headers_for_code(code)
        if self._is_conditional:
            answers["304"] = {"description": "The client has it already.", "headers": headers("ETag")}
        return {**answers, **{str(code): response_reference(code) for code in self._problem_statuses()}}

    def _get_response_headers_for_code(self, status_code: str, direction: Any = "response") -> Any:
        if status_code == "206":
            return headers("ETag", "Content-Range")
        if status_code == "201" and self.view.action == "create" and hasattr(self.view, "retrieve"):
            etag = [] if self.view.shown_once else ["ETag"]
            return headers("Location", *etag, "Idempotency-Replayed")
        has_etag = self.view.action in (*WITH_ETAG, "content")
        return headers(
            *(["ETag"] if has_etag else []),
            *(["Idempotency-Replayed"] if self._accepts_idempotency_key else []),
        )

    def _problem_statuses(self) -> list[int]:
        """The statuses of problems that any such operation may answer with."""
        found = {400, 401, 403, 406, 422, 429, 503}
        if "{" in self.path or self.view.opens_own_scopes:
            found.add(404)
        if self.view.action in ("content", "text"):
            found.add(416)
        if self.method not in SAFE_METHODS:
            found |= {409, 413, 415} if self.method != "DELETE" else {409}
        if self.method in ("PATCH", "DELETE"):
            found.add(412)
        return sorted(found)

    def _map_serializer(self, serializer: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        """Request bodies accept no unknown fields, and have none that cannot be changed; response bodies have all of their
        fields."""
        schema = super()._map_serializer(serializer, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        if not vars(type(serializer)).get("__doc__"):
            schema.pop("description", None)  # inherited
        if direction == "request":
            for name in getattr(getattr(serializer, "Meta", None), "fixed", ()) if serializer.partial else ():
                del schema["properties"][name]
            return {**schema, "additionalProperties": False, **getattr(serializer, "described", {})}
        if isinstance(serializer, ModelSerializer):
            return {**schema, "required": [*schema["properties"]]}
        return schema

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        """Without the titles of forms, of which generators make names."""
        schema = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        schema.pop("title", None)
        if isinstance(field, JSONField):
            schema.pop("oneOf", None)  # null is valid JSON already
            if _is_object(field):
                schema |= {"type": "object", "additionalProperties": {}}
        return schema

    @property
    def _role(self) -> str:
        return str(self.view.roles[self.method])

    @property
    def _scope(self) -> str:
        if not self.view.area:
            return ""
        return scope(self.view.area, writes=self.method not in SAFE_METHODS and not self.view.only_reads)

    @property
    def _is_conditional(self) -> bool:
        return self.view.action in WITH_ETAG and self.method == "GET"

    @property
    def _accepts_idempotency_key(self) -> bool:
        return self.method == "POST" and not self.view.only_reads


def _is_object(field: JSONField) -> bool:
    """Whether its values are JSON objects."""
    from core.api.serializers import ObjectField  # whose module needs the class above

    if isinstance(field, ObjectField):
        return True
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    return model is not None and model._meta.get_field(field.source).default is dict
