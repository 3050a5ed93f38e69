"""Clients by others, which call a server through a socket."""

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


def make_client(person: Person, address: str, **options: object) -> OpenAI:
    scopes = options.pop("scopes", key_scopes())
    key = create_api_key(actor=person.actor, name="Client", scopes=scopes, **options)  # type: ignore[arg-type]
    return OpenAI(api_key=key.secret, base_url=f"{address}/v1", max_retries=0)


@pytest.fixture
def client(owner: Person, address: str) -> Iterator[OpenAI]:
    with make_client(owner, address) as client:
        yield client


@pytest.fixture
def worker(owner: Person) -> Iterator[None]:
    with working(owner.tenant_id):
        yield
