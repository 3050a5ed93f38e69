"""The operations below `/v1/`, which no OpenAPI document describes, and every place in them where an id can be written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rest_framework.serializers import Serializer

from assistants.models import Assistant
from conversations.models import Message
from core.api.openai.fields import IdField
from knowledge.engine_config import default_embedder
from knowledge.models import Document, FileBatch, FileUpload, Reference, StoredFile, UploadPart
from knowledge.openai.ids import BATCH, FILE, PART, STORE, UPLOAD
from tests.proof.isolation.parties import Model, Party
from tests.proof.isolation.routes import Route, routes
from workspaces.models import Workspace

Path = tuple[Any, ...]
PREFIXES: dict[Model, str] = {
    Reference: STORE,
    Document: FILE,
    StoredFile: FILE,
    FileBatch: BATCH,
    FileUpload: UPLOAD,
    UploadPart: PART,
}
PARAMETERS: dict[str, Any] = {
    "store": Reference,
    "batch": FileBatch,
    "upload": FileUpload,
    "name": default_embedder().model,
}
STORE_PATH = "v1/vector_stores/<public_id:store>"
# The body of each POST. A model stands for one of its ids.
BODIES: dict[str, Any] = {
    "v1/embeddings": {"model": default_embedder().model, "input": "bees"},
    "v1/files": {"purpose": "user_data"},
    "v1/uploads": {"filename": "tried.txt", "purpose": "user_data", "bytes": 5, "mime_type": "text/plain"},
    "v1/uploads/<public_id:upload>/parts": {},
    "v1/uploads/<public_id:pk>/complete": {"part_ids": [UploadPart]},
    "v1/uploads/<public_id:pk>/cancel": {},
    "v1/vector_stores": {"name": "Tried", "file_ids": [StoredFile], "metadata": {"workspace": Workspace}},
    "v1/vector_stores/<public_id:pk>": {"description": "Tried", "metadata": {"workspace": Workspace}},
    "v1/vector_stores/<public_id:pk>/search": {
        "query": "bees",
        "filters": {
            "type": "or",
            "filters": [
                {"type": "eq", "key": "file_id", "value": Document},
                {"type": "in", "key": "reference_id", "value": [Reference]},
            ],
        },
    },
    "v1/chat/completions": {"model": Assistant, "messages": [{"role": "user", "content": "Why?"}]},
    "v1/responses": {"model": Assistant, "input": "Why?", "previous_response_id": Message},
    f"{STORE_PATH}/files": {"file_id": StoredFile},
    f"{STORE_PATH}/files/<public_id:pk>": {"attributes": {"tried": StoredFile}},
    f"{STORE_PATH}/file_batches": {"files": [{"file_id": StoredFile}]},
    f"{STORE_PATH}/file_batches/<public_id:pk>/cancel": {},
}
# The field of the file of each form.
FILE_FIELDS = {"v1/files": "file", "v1/uploads/<public_id:upload>/parts": "data"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIOperation:
    method: str
    route: Route

    @property
    def name(self) -> str:
        return f"{self.method} {self.route.template}"

    @property
    def is_repeatable(self) -> bool:
        return self.method == "POST" and not self.route.view.cls.only_reads

    def places(self) -> dict[Path, Model]:
        """{("path", "store"): Reference, ("query", "after"): …, ("body", "file_ids", 0): …}. Raises KeyError for a POST
        whose body is not known."""
        found, model = dict(_models(self._template())), self.route.model
        if self.route.view.actions[self.method.lower()] == "list" and model:
            found |= {("query", "after"): model, ("query", "before"): model}
        return found

    def send(
        self, client: Client, pk_for: Callable[[Path, Model], str], query: Any = (), **headers: str
    ) -> Any:
        """Send the request with the id that `pk_for` returns for each place."""
        sent = _filled(self._template(), pk_for)
        address = f"/{self.route.template}"
        for name, value in sent["path"].items():
            address = address.replace(f"<public_id:{name}>", value).replace(f"<path:{name}>", value)
        if self.method == "POST" and (field := FILE_FIELDS.get(self.route.template)):
            form = {**sent["body"], field: SimpleUploadedFile("tried.txt", b"tried")}
            return client.post(address, form, headers=headers)
        text = json.dumps(sent["body"])
        return client.generic(
            self.method,
            address,
            text,
            content_type="application/json",
            query_params=dict(query),
            headers=headers,
        )

    def _template(self) -> dict[str, Any]:
        path = {name: PARAMETERS.get(name, self.route.model) for name in self.route.parameters}
        return {"path": path, "body": BODIES[self.route.template] if self.method == "POST" else None}


def operations() -> list[OpenAIOperation]:
    found = [route for route in routes() if route.template.startswith("v1/")]
    return [
        OpenAIOperation(method=method.upper(), route=route)
        for route in found
        for method in route.view.actions
    ]


def own(party: Party) -> Callable[[Path, Model], str]:
    return lambda _, model: as_public(model, party.id_of(model))


def as_public(model: Model, pk: Any) -> str:
    """Return the id as `/v1/` writes it, or as `/api/v1/` does for models without a prefix."""
    return f"{PREFIXES[model]}{pk.hex}" if model in PREFIXES else str(pk)


def id_fields(kind: Any = Serializer) -> Iterator[str]:
    """Yield the names of all serializers' fields that take ids."""
    for child in kind.__subclasses__():
        for name, field in getattr(child, "_declared_fields", {}).items():
            if isinstance(getattr(field, "child", field), IdField):
                yield name
        yield from id_fields(child)


def _models(template: Any, path: Path = ()) -> Iterator[tuple[Path, Model]]:
    if isinstance(template, type):
        yield path, template
    inner = (
        template.items()
        if isinstance(template, dict)
        else enumerate(template)
        if isinstance(template, list)
        else ()
    )
    for name, one in inner:
        yield from _models(one, (*path, name))


def _filled(template: Any, pk_for: Callable[[Path, Model], str], path: Path = ()) -> Any:
    if isinstance(template, type):
        return pk_for(path, template)
    if isinstance(template, dict):
        return {name: _filled(one, pk_for, (*path, name)) for name, one in template.items()}
    if isinstance(template, list):
        return [_filled(one, pk_for, (*path, number)) for number, one in enumerate(template)]
    return template
