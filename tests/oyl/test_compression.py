"""Compressed answers of the API: JSON for keys, and nothing else."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from django.test import Client

from tests.conftest import Person
from tests.support.api_client import Caller
from workspaces.services import create_workspace


@pytest.fixture
def client(caller: Caller) -> Client:
    return Client(headers={"Authorization": f"Bearer {caller.key.secret}", "Accept-Encoding": "gzip"})


@pytest.fixture
def workspace(owner: Person) -> Any:
    return create_workspace(actor=owner.actor, name="Main", description="words " * 300)


def test_json_is_compressed_for_those_who_accept_it(client: Client, workspace: Any):
    plain = client.get("/api/v1/workspaces/", headers={"Accept-Encoding": "identity"})
    small = client.get("/api/v1/workspaces/")
    assert "Content-Encoding" not in plain and small["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in small["Vary"] and int(small["Content-Length"]) < len(plain.content) / 2
    assert json.loads(gzip.decompress(small.content)) == plain.json()
    assert client.get("/api/schema/")["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in client.get("/api/v1/teammates/")  # too short


def test_etag_of_a_compressed_answer_is_taken(client: Client, workspace: Any):
    path = f"/api/v1/workspaces/{workspace.pk}/"
    etag = client.get(path)["ETag"]
    assert etag.startswith('W/"')
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 304
    for given, status in (('W/"other"', 412), (etag, 200)):
        answer = client.patch(path, '{"name": "Second"}', "application/json", headers={"If-Match": given})
        assert answer.status_code == status


def test_what_has_a_session_is_not_compressed(client: Client, owner: Person, workspace: Any):
    for path in ("/api/v1/workspaces/", "/admin/"):
        assert "Content-Encoding" not in owner.client.get(path, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in client.get("/api/v1/workspaces/", headers={"Cookie": "a=b"})


def test_vectors_are_not_compressed(client: Client):
    body = {"model": "all-MiniLM-L6-v2-int8", "input": "bees", "encoding_format": "float"}
    answer = client.post("/v1/embeddings", body, content_type="application/json")
    assert "Content-Encoding" not in answer and "no-transform" in answer["Cache-Control"]
    assert "no-store" in answer["Cache-Control"] and len(answer.content) > 1_000
