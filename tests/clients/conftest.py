"""Clients that others have made, at a server that they reach through a socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import OpenAI

from core.permissions import key_scopes
from tenants.services import create_api_key
from tests.conftest import Person
from tests.server import running_server, working


@pytest.fixture(scope="session")
def address(database: None) -> Iterator[str]:
    with running_server() as address:
        yield address


def client_of(person: Person, address: str, **facts: object) -> OpenAI:
    scopes = facts.pop("scopes", key_scopes())
    made = create_api_key(actor=person.actor, name="Client", scopes=scopes, **facts)  # type: ignore[arg-type]
    return OpenAI(api_key=made.secret, base_url=f"{address}/v1", max_retries=0)


@pytest.fixture
def client(owner: Person, address: str) -> Iterator[OpenAI]:
    with client_of(owner, address) as client:
        yield client


@pytest.fixture
def worker(owner: Person) -> Iterator[None]:
    with working(owner.tenant_id):
        yield
