"""The socket of the embedded vector store: only OYL's user reaches it, and what it receives is checked again. The conftest
leaves these tests out where the vectors are on a server."""

from __future__ import annotations

import stat
from uuid import UUID

import pytest
from django.conf import settings

from engines.vectors import VectorStoreError
from engines.vectors.edge import EdgeStore
from engines.vectors.filters import tenant_filter
from knowledge.engine_config import default_embedder, vector_store
from knowledge.pipeline.ports import collection_name
from tests.proof.isolation.collections import FORGED_COLLECTIONS


@pytest.fixture
def store(database: None) -> EdgeStore:
    found = vector_store()
    assert isinstance(found, EdgeStore)
    return found


@pytest.mark.parametrize("name", FORGED_COLLECTIONS)
def test_forged_collections_are_refused(name: str, store: EdgeStore, tenant: UUID):
    spec = {"filter": tenant_filter(tenant), "after": None, "limit": 10, "with_vectors": False}
    with pytest.raises(VectorStoreError) as error:
        store._call("scroll", name, spec)
    assert error.value.code == "invalid_collection"


@pytest.mark.parametrize("operation", ["drop", "__init__", "scroll; drop", ""])
def test_unknown_operations_are_refused(operation: str, store: EdgeStore):
    with pytest.raises(VectorStoreError):
        store._call(operation, collection_name(default_embedder().model), {})


def test_only_this_user_reaches_the_socket(store: EdgeStore):
    """A process that can send messages to it can name any tenant."""
    assert stat.S_IMODE(settings.VECTOR_SOCKET.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.VECTOR_SOCKET.parent.stat().st_mode) & 0o077 in (0, 0o011)
