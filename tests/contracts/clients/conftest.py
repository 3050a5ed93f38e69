"""Clients by others, which call a server through a socket."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BytesIO

import pytest
from openai import OpenAI

from core.permissions import key_scopes
from tenants.services.api_keys import create_api_key
from tests.conftest import Person
from tests.knowledge.libraries import Library, make_library
from tests.support.server import running_server, working


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


@pytest.fixture
def environment(owner: Person, address: str) -> dict[str, str]:
    """The environment that the documentation's examples expect."""
    scopes = ["workspaces:write", "knowledge:write"]
    key = create_api_key(actor=owner.actor, name="Integrator", scopes=scopes)
    return {"PATH": os.environ["PATH"], "OYL_URL": address, "OYL_KEY": key.secret}


@pytest.fixture
def library(owner: Person, tmp_path) -> Library:
    """With a workspace for the stores."""
    return make_library(owner, tmp_path / "own")


@pytest.fixture
def store(client: OpenAI, library: Library):
    return client.vector_stores.create(name="Nature", metadata={"team": "biology"})


def named_file(name: str, text: str) -> BytesIO:
    file = BytesIO(text.encode())
    file.name = name
    return file
