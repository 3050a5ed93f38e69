"""A client with a key, and objects of each kind to ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from core.permissions import key_scopes
from tenants.services import NewApiKey, create_api_key
from tests.conftest import Person


@dataclass(frozen=True)
class Caller:
    """Somebody's programme, with a key of theirs."""

    made: NewApiKey

    def __call__(self, method: str, path: str, data: Any = None, **headers: str) -> Any:
        client = Client(headers={"Authorization": f"Bearer {self.made.secret}", **headers})
        body = {} if data is None else {"data": data, "content_type": "application/json"}
        return getattr(client, method)(f"/api/v1/{path}", **body)

    def get(self, path: str, **headers: str) -> Any:
        return self("get", path, **headers)

    def post(self, path: str, data: Any, **headers: str) -> Any:
        return self("post", path, data, **headers)

    def upload(self, **fields: Any) -> Any:
        client = Client(headers={"Authorization": f"Bearer {self.made.secret}"})
        return client.post("/api/v1/documents/upload/", fields)


def key_of(person: Person, scopes: Sequence[str] = key_scopes(), **facts: Any) -> Caller:
    return Caller(create_api_key(actor=person.actor, name="Test", scopes=scopes, **facts))


@pytest.fixture
def caller(owner: Person) -> Caller:
    return key_of(owner)
