"""The operations of the OpenAPI document, and every place in them where an id can be written."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from assistants.models import Assistant
from core.api.schema.examples import placeholder
from oyl.openapi import document
from oyl.routes import ROUTES
from tenants.models import User
from tests.proof.isolation.parties import MODELS, Model, Party
from workspaces.models import Workspace

# Names of fields that are not those of their models.
OTHER_NAMES = {"integration": "integrationconfig"}
# Users have no tenant of their own, but one tenant's requests must not tell who is a user of another.
ID_MODELS: list[Model] = [*MODELS, User]
Path = tuple[str, ...]
JSON, FORM = "application/json", "multipart/form-data"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestData:
    """The id in the address, the query and the body of a request."""

    pk: str
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None

    def with_id(self, place: Path, pk: str) -> RequestData:
        """Return a copy with another id in the place."""
        if place[0] == "path":
            return RequestData(pk=pk, query=self.query, body=self.body)
        if place[0] == "query":
            return RequestData(pk=self.pk, query={place[1]: pk}, body=self.body)
        return RequestData(pk=self.pk, query=self.query, body=_put(self.body, place[1:], pk))


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    method: str
    template: str
    described: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.described["operationId"])

    @property
    def model(self) -> Model:
        found: Model = ROUTES[self.described["tags"][0]].model
        return found

    def takes(self, parameter: str) -> bool:
        return any(one["name"] == parameter for one in self.described.get("parameters", ()))

    def places(self) -> Iterator[Path]:
        """("path", "id"), ("query", "workspace"), ("body", "filters", "documents", "*")"""
        for parameter in self.described.get("parameters", ()):
            if parameter["schema"].get("format") == "uuid":
                yield parameter["in"], parameter["name"]
        for body in self._bodies().values():
            yield from (("body", *path) for path in _ids_in(body["schema"]))

    def model_of(self, place: Path) -> Model:
        """Return the model whose ids the place takes, by its name."""
        name = [part for part in place if part != "*"][-1]
        if name in ("id", "ids"):
            return self.model
        name = name.removeprefix("fallback_")
        plain = name.rpartition("__")[2].replace("_", "").removesuffix("s")
        plain = OTHER_NAMES.get(plain, plain)
        return next((model for model in ID_MODELS if model._meta.model_name == plain), Workspace)

    def own(self, party: Party) -> RequestData:
        """Return the document's example, with the party's ids."""
        text = json.dumps([body["example"] for body in self._bodies().values()])
        for model in MODELS:
            text = text.replace(placeholder(str(model._meta.model_name)), str(party.id_of(model)))
        text = text.replace(placeholder("fallback_assistant"), str(party.id_of(Assistant)))
        return RequestData(pk=str(party.id_of(self.model)), body=next(iter(json.loads(text)), None))

    def send(self, client: Client, request_data: RequestData, **headers: str) -> Any:
        address = self.template.replace("{id}", request_data.pk)
        if FORM in self._bodies():
            form = {**request_data.body, "files": SimpleUploadedFile("tried.txt", b"tried"), "metadata": "{}"}
            return client.post(address, form, headers=headers)
        body = "" if request_data.body is None else json.dumps(request_data.body)
        return client.generic(
            self.method.upper(),
            address,
            body,
            content_type=JSON,
            query_params=request_data.query,
            headers=headers,
        )

    def _bodies(self) -> dict[str, Any]:
        found: dict[str, Any] = self.described.get("requestBody", {}).get("content", {})
        return found


def operations() -> list[Operation]:
    paths = document()["paths"].items()
    return [
        Operation(method=method, template=path, described=one)
        for path, ones in paths
        for method, one in ones.items()
    ]


def _ids_in(schema: dict[str, Any]) -> Iterator[Path]:
    if name := schema.get("$ref"):
        schema = document()["components"]["schemas"][name.rpartition("/")[2]]
    if schema.get("format") == "uuid":
        yield ()
    for name, inner in schema.get("properties", {}).items():
        yield from ((name, *rest) for rest in _ids_in(inner))
    if "items" in schema:
        yield from (("*", *rest) for rest in _ids_in(schema["items"]))


def _put(body: Any, path: Path, pk: str) -> Any:
    """Return a copy with the id at the path; a list then has only this element."""
    if not path:
        return pk
    if path[0] == "*":
        return [_put(None, path[1:], pk)]
    found = copy.copy(body) if isinstance(body, dict) else {}
    found[path[0]] = _put(found.get(path[0]), path[1:], pk)
    return found
