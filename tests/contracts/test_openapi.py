"""The OpenAPI document, complete and as the routes are, and the pages that show it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from django.contrib.admindocs.views import simplify_regex
from django.contrib.staticfiles import finders
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from assistants.models import Assistant
from core.api.schema.examples import placeholder
from core.isolation.scope import tenant_scope
from core.permissions import Role, key_scopes
from oyl.openapi import document
from oyl.routes import ROUTES, router
from tenants.models import Membership
from tests.conftest import Person, make_member
from tests.support.admin_rows import make_rows
from tests.support.api_client import Caller
from workspaces.models import DatabaseQuery, Workspace

REFUSALS = {"401", "403", "406", "429", "503"}
OPERATIONS = {
    (method, path): operation
    for path, operations in document()["paths"].items()
    for method, operation in operations.items()
}
REQUEST_EXAMPLES: dict[tuple[str, str], Any] = {
    key: media["example"]
    for key, operation in OPERATIONS.items()
    for name, media in operation.get("requestBody", {}).get("content", {}).items()
    if name == "application/json"
}
# What is answered where the example has an id of something that no other request makes.
REFUSED_EXAMPLES = {
    "/api/v1/database-queries/": "already",
    "/api/v1/assistants/{id}/instructions/restore/": "There is no such version.",
    "/api/v1/connector-runs/{id}/prune/": "This run does not ask whether to remove documents.",
    "/api/v1/evaluation-sets/{id}/run/": "No case of this set has expected documents.",
}
every_operation = pytest.mark.parametrize(
    ("method", "path"), OPERATIONS, ids=lambda name: name.removeprefix("/api/v1/")
)


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    for name in part.get("$ref", "#").split("/")[1:]:
        part = document()[name] if name == "components" else part_of(part, name)
    return part


def part_of(part: dict[str, Any], name: str) -> dict[str, Any]:
    child: dict[str, Any] = part[name]
    return child


def bodies(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """The request and response bodies, in each media type."""
    parts = (operation.get("requestBody", {}), *map(resolved, operation["responses"].values()))
    return [media for part in parts for media in part.get("content", {}).values()]


def test_schema_is_valid_and_generated_without_warnings():
    SchemaGenerator().get_schema(public=True)
    assert not GENERATOR_STATS, (GENERATOR_STATS._warn_cache, GENERATOR_STATS._error_cache)
    assert document()["openapi"].startswith("3.1")
    validate(document())


def test_schema_has_exactly_the_routes() -> None:
    urls: list[Any] = router.urls
    routed = {
        (method, "/api/v1" + simplify_regex(url.pattern.regex.pattern).replace("<pk>", "{id}"))
        for url in urls
        for method in set(url.callback.actions) & set(url.callback.cls.http_method_names) - {"head"}
    }
    assert set(OPERATIONS) == routed
    assert {tag["name"] for tag in document()["tags"]} == set(ROUTES)


# Every key may ask who it is; what is streamed depends on its scopes.
WITHOUT_SCOPE = {"/api/v1/me/", "/api/v1/events/"}
WITH_ETAG = ("_get", "documents_text", "documents_content")


@every_operation
def test_operation_is_described_completely(method: str, path: str):
    operation = OPERATIONS[method, path]
    assert 3 < len(operation["summary"]) < 80 and not operation["summary"].endswith(".")
    role, scope = operation["x-required-role"], operation["x-required-scope"]
    assert (scope in key_scopes()) != (path in WITHOUT_SCOPE)
    assert all(f"`{name}`" in operation["description"] for name in (role, scope) if name)
    assert operation["tags"][0] in ROUTES
    assert {"key": []} in operation["security"]
    assert set(operation["responses"]) >= REFUSALS
    assert any(code.startswith("2") for code in operation["responses"])
    assert ("404" in operation["responses"]) >= ("{id}" in path)
    assert ("412" in operation["responses"]) == (method in ("patch", "delete"))
    assert all(
        not name.startswith("4") or "application/problem+json" in resolved(response)["content"]
        for name, response in operation["responses"].items()
    )
    assert bodies(operation)


@every_operation
def test_examples_match_their_schemas(method: str, path: str):
    for media in bodies(OPERATIONS[method, path]):
        schema = {"components": document()["components"], **media["schema"]}
        assert list(OAS31Validator(schema).iter_errors(media["example"])) == []


@pytest.mark.parametrize(
    ("method", "path"), sorted(REQUEST_EXAMPLES), ids=lambda name: name.removeprefix("/api/v1/")
)
def test_request_examples_are_accepted(method: str, path: str, owner: Person, caller: Caller):
    """With ids of existing objects, and a member who is no owner, because a key may not change owners."""
    editor = make_member(owner.tenant_id, Role.EDITOR)
    rows, text = make_rows(owner), json.dumps(REQUEST_EXAMPLES[method, path])
    with tenant_scope(owner.tenant_id):
        rows[Membership] = Membership.objects.get(user=editor.user)
    for model, row in rows.items():
        text = text.replace(placeholder(str(model._meta.model_name)), str(row.pk))
    text = text.replace(placeholder("bound_id"), str(rows[Workspace].pk))
    text = text.replace(placeholder("fallback_assistant"), str(rows[Assistant].pk))
    text = text.replace(placeholder("integration"), str(rows[DatabaseQuery].integration_id))
    target = rows.get(ROUTES[OPERATIONS[method, path]["tags"][0]].model)
    response = caller(method, path.removeprefix("/api/v1/").format(id=target and target.pk), text)
    refused = REFUSED_EXAMPLES.get(path)
    assert refused.encode() in response.content if refused else response.status_code < 300, response.content


@every_operation
def test_operation_documents_its_headers(method: str, path: str):
    operation = OPERATIONS[method, path]
    headers = {
        parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "header"
    }
    only_reads = operation["x-required-scope"].endswith(":read")
    assert ("Idempotency-Key" in headers) == (method == "post" and not only_reads)
    assert ("If-Match" in headers) == (method in ("patch", "delete"))
    has_etag = method == "patch" or operation["operationId"].endswith(WITH_ETAG)
    for code, success in operation["responses"].items():
        if code.startswith("2"):
            makes = code == "201" and ("get", f"{path}{{id}}/") in OPERATIONS
            assert ("Location" in success["headers"]) == makes
            assert makes or ("ETag" in success["headers"]) == has_etag
            assert {"X-Request-ID", "RateLimit"} <= set(success["headers"])
    assert ("206" in operation["responses"]) == ("Range" in headers)


def test_operation_ids_are_unique():
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(ids) == len(set(ids)) and all(name.isidentifier() for name in ids)


def test_schema_is_public_as_json_and_yaml():
    as_json = Client().get("/api/schema/")
    as_yaml = Client().get("/api/schema/", headers={"Accept": "application/yaml"})
    assert as_json["Content-Type"] == "application/json" and as_yaml["Content-Type"] == "application/yaml"
    assert as_json.json() == yaml.safe_load(as_yaml.content) == document()


def test_docs_pages_load_nothing_from_other_hosts():
    client, queue, visited = Client(), ["/api/docs/"], set()
    while queue:
        address = queue.pop()
        if address in visited:
            continue
        visited.add(address)
        if address.startswith("/static/"):
            assert finders.find(address.removeprefix("/static/")), address
            continue
        page = client.get(address)
        assert page.status_code == 200
        queue += re.findall(r'(?:src|href)="([^"]*)"', page.content.decode())
        assert "//" not in re.sub(r"(?m)^\s*//.*$", "", page.content.decode())
    assert len(visited) > 4
