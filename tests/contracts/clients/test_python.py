"""OpenAI's Python client in the newest version and in the lowest that is supported, and the frameworks that build on it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from core.permissions import key_scopes
from knowledge.engine_config import default_embedder
from tenants.services.api_keys import create_api_key
from tests.conftest import Person
from tests.contracts.clients.programs import HERE, call, python_of
from tests.conversations.conftest import make_desk

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture
def environment(owner: Person, address: str, tmp_path: Path) -> dict[str, str]:
    make_desk(owner, tmp_path / "own")
    key = create_api_key(actor=owner.actor, name="Client", scopes=key_scopes())
    return {"OYL_URL": address, "OYL_KEY": key.secret, "EMBEDDER": default_embedder().model}


@pytest.mark.parametrize("version", ["newest", "lowest"])
def test_openai_client_script(version: str, environment: dict[str, str], tmp_path: Path):
    python = Path(sys.executable) if version == "newest" else python_of("lowest")
    call([python, HERE / "python/vector_stores.py"], tmp_path, environment)


def test_langchain_and_llamaindex_ask_and_embed(environment: dict[str, str], tmp_path: Path):
    call([python_of("frameworks"), HERE / "python/frameworks.py"], tmp_path, environment)
