"""Clients of the API with keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from core.permissions import key_scopes
from tenants.services.api_keys import NewApiKey, create_api_key
from tests.conftest import Person


@dataclass(frozen=True)
class Caller:
    """A client of the API with a key."""

    key: NewApiKey

    def __call__(self, method: str, path: str, data: Any = None, **headers: str) -> Any:
        client = Client(headers={"Authorization": f"Bearer {self.key.secret}", **headers})
        body = {} if data is None else {"data": data, "content_type": "application/json"}
        return getattr(client, method)(f"/api/v1/{path}", **body)

    def get(self, path: str, **headers: str) -> Any:
        return self("get", path, **headers)

    def post(self, path: str, data: Any, **headers: str) -> Any:
        return self("post", path, data, **headers)

    def upload(self, **fields: Any) -> Any:
        client = Client(headers={"Authorization": f"Bearer {self.key.secret}"})
        return client.post("/api/v1/documents/upload/", fields)


def make_caller(person: Person, scopes: Sequence[str] = key_scopes(), **options: Any) -> Caller:
    """With a new key of the person's."""
    return Caller(create_api_key(actor=person.actor, name="Test", scopes=scopes, **options))


@pytest.fixture
def caller(owner: Person) -> Caller:
    return make_caller(owner)


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """Return the problem document."""
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["status"], body["code"]) == (status, status, code), body
    assert body["request_id"] == response["X-Request-ID"]
    return body
