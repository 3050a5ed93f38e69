"""The OpenAPI document: whole, true to the routes, and the same in both forms; and the pages that show it."""

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

from core.api.schema.examples import placeholder
from core.permissions import Role, key_scopes
from oyl.openapi import document
from oyl.routes import ROUTES, router
from tests.admin.rows import make_rows
from tests.api.conftest import Caller
from tests.conftest import Person, make_member
from workspaces.models import Workspace

CHANGING = {"post", "patch", "delete"}
REFUSALS = {"401", "403", "406", "429", "503"}
OPERATIONS = {
    (method, path): operation
    for path, operations in document()["paths"].items()
    for method, operation in operations.items()
}
SENT: dict[tuple[str, str], Any] = {
    key: media["example"]
    for key, operation in OPERATIONS.items()
    for name, media in operation.get("requestBody", {}).get("content", {}).items()
    if name == "application/json"
}
every_operation = pytest.mark.parametrize(
    ("method", "path"), OPERATIONS, ids=lambda one: one.removeprefix("/api/v1/")
)


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    for name in part.get("$ref", "#").split("/")[1:]:
        part = document()[name] if name == "components" else part_of(part, name)
    return part


def part_of(part: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = part[name]
    return found


def bodies(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """What is asked and answered, in each media type."""
    parts = (operation.get("requestBody", {}), *map(resolved, operation["responses"].values()))
    return [media for part in parts for media in part.get("content", {}).values()]


def test_it_is_made_without_a_warning_and_as_openapi_has_it():
    SchemaGenerator().get_schema(public=True)
    assert not GENERATOR_STATS, (GENERATOR_STATS._warn_cache, GENERATOR_STATS._error_cache)
    assert document()["openapi"].startswith("3.1")
    validate(document())


def test_it_has_every_route_and_nothing_else() -> None:
    urls: list[Any] = router.urls
    routed = {
        (method, "/api/v1" + simplify_regex(url.pattern.regex.pattern).replace("<pk>", "{id}"))
        for url in urls
        for method in set(url.callback.actions) & set(url.callback.cls.http_method_names) - {"head"}
    }
    assert set(OPERATIONS) == routed
    assert {tag["name"] for tag in document()["tags"]} == set(ROUTES)


@every_operation
def test_an_operation_says_all_that_a_caller_needs(method: str, path: str):
    operation = OPERATIONS[method, path]
    assert 3 < len(operation["summary"]) < 80 and not operation["summary"].endswith(".")
    needed = operation["x-required-role"], operation["x-required-scope"]
    assert needed[1] in key_scopes() and all(f"`{one}`" in operation["description"] for one in needed)
    assert operation["tags"][0] in ROUTES
    assert {"key": []} in operation["security"]
    assert set(operation["responses"]) >= REFUSALS
    assert any(code.startswith("2") for code in operation["responses"])
    assert ("404" in operation["responses"]) >= ("{id}" in path)
    assert ("412" in operation["responses"]) == (method in ("patch", "delete"))
    assert all(
        not name.startswith("4") or "application/problem+json" in resolved(answer)["content"]
        for name, answer in operation["responses"].items()
    )
    assert bodies(operation)


@every_operation
def test_examples_are_as_the_schemas_say(method: str, path: str):
    for media in bodies(OPERATIONS[method, path]):
        schema = {"components": document()["components"], **media["schema"]}
        OAS31Validator(schema).validate(media["example"])


@pytest.mark.parametrize(("method", "path"), sorted(SENT), ids=lambda one: one.removeprefix("/api/v1/"))
def test_examples_are_taken(method: str, path: str, owner: Person, caller: Caller):
    """With ids of what is there; another owner stays when the one becomes something else."""
    make_member(owner.tenant_id, Role.OWNER)
    rows, text = make_rows(owner), json.dumps(SENT[method, path])
    for model, row in rows.items():
        text = text.replace(placeholder(str(model._meta.model_name)), str(row.pk))
    text = text.replace(placeholder("bound_id"), str(rows[Workspace].pk))
    own = rows.get(ROUTES[OPERATIONS[method, path]["tags"][0]].model)
    answer = caller(method, path.removeprefix("/api/v1/").format(id=own and own.pk), text)
    assert answer.status_code < 300, answer.content


@every_operation
def test_headers_are_told(method: str, path: str):
    operation = OPERATIONS[method, path]
    taken = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "header"}
    only_reads = operation["x-required-scope"].endswith(":read")
    assert ("Idempotency-Key" in taken) == (method == "post" and not only_reads)
    assert ("If-Match" in taken) == (method in ("patch", "delete"))
    (good,) = (answer for code, answer in operation["responses"].items() if code.startswith("2"))
    assert ("ETag" in good["headers"]) == (
        method == "patch" or operation["operationId"].endswith("_retrieve")
    )
    assert {"X-Request-ID", "RateLimit"} <= set(good["headers"])


def test_ids_of_operations_are_their_own():
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(ids) == len(set(ids)) and all(one.isidentifier() for one in ids)


def test_anybody_may_read_it_as_json_and_as_yaml():
    plain, told = (
        Client().get("/api/schema/"),
        Client().get("/api/schema/", headers={"Accept": "application/yaml"}),
    )
    assert plain["Content-Type"] == "application/json" and told["Content-Type"] == "application/yaml"
    assert plain.json() == yaml.safe_load(told.content) == document()


def test_the_pages_that_show_it_load_nothing_from_elsewhere():
    client, waiting, seen = Client(), ["/api/docs/"], set()
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        if address.startswith("/static/"):
            assert finders.find(address.removeprefix("/static/")), address
            continue
        page = client.get(address)
        assert page.status_code == 200
        waiting += re.findall(r'(?:src|href)="([^"]*)"', page.content.decode())
        assert "//" not in re.sub(r"(?m)^\s*//.*$", "", page.content.decode())
    assert len(seen) > 4
