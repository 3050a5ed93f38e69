"""OpenAI's Python client at `/v1/`: models, embeddings, files, errors."""

from __future__ import annotations

import httpx
import numpy as np
import openai
import pytest
from openai import OpenAI

from tests.conftest import Person
from tests.contracts.clients.conftest import make_client
from tests.knowledge.libraries import BEES, RIVERS


def test_embedding_model_is_listed_and_embeds(client: OpenAI):
    model, *others = client.models.list()
    assert {client.models.retrieve(one.id).id for one in others} == {"multilingual-e5-small-int8"}
    assert client.models.retrieve(model.id).id == model.id
    created = client.embeddings.create(model=model.id, input=[BEES, RIVERS, BEES])
    vectors = np.array([item.embedding for item in created.data])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors[0], vectors[2]) and vectors[0] @ vectors[1] < 0.9
    assert created.usage.prompt_tokens == created.usage.total_tokens > 20
    plain = client.embeddings.create(model=model.id, input=BEES, encoding_format="float")
    assert np.allclose(plain.data[0].embedding, vectors[0], atol=1e-6)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": [1, 2, 3]}, "input"),
        ({"input": [[1, 2], [3]]}, "input"),
        ({"input": []}, "input"),
        ({"input": ["x", ""]}, "input"),
        ({"input": "word " * 300}, "input"),
        ({"input": "x", "dimensions": 5}, "dimensions"),
    ],
)
def test_invalid_embedding_input_is_refused(client: OpenAI, body, param):
    model, *_ = client.models.list()
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model=model.id, **body)
    assert refused.value.param == param and refused.value.type == "invalid_request_error"


def test_file_lifecycle(client: OpenAI):
    file = client.files.create(file=("bees.md", BEES.encode()), purpose="assistants")
    assert (file.filename, file.bytes, file.purpose) == ("bees.md", len(BEES), "assistants")
    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).read() == BEES.encode()
    assert [row.id for row in client.files.list(purpose="assistants")] == [file.id]
    assert list(client.files.list(purpose="user_data")) == []
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)


def test_lists_are_paginated_in_both_directions(client: OpenAI):
    ids = [client.files.create(file=(f"{n}.txt", b"x"), purpose="user_data").id for n in range(5)]
    assert [row.id for row in client.files.list(limit=2)] == ids[::-1]
    assert [row.id for row in client.files.list(limit=2, order="asc")] == ids
    page = client.files.list(limit=2, order="asc", extra_query={"before": ids[4]})
    assert [row.id for row in page.data] == ids[2:4] and page.has_more
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.list(after="nonsense")
    assert refused.value.param == "after"


def test_errors_raise_the_clients_exceptions(client: OpenAI, address: str):
    with pytest.raises(openai.NotFoundError) as unknown:
        client.models.retrieve("gpt-4o")
    assert unknown.value.code == "model_not_found" and "/v1/models lists them" in unknown.value.message
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="x", messages=[{"role": "user", "content": "x"}])
    with (
        OpenAI(api_key="oyl_wrong", base_url=f"{address}/v1") as other,
        pytest.raises(openai.AuthenticationError) as unauthorised,
    ):
        other.models.list()
    assert unauthorised.value.code == "invalid_api_key"
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.create(file=("x.txt", b"x"), purpose="fine-tune")
    assert refused.value.param == "purpose"
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.create(
            file=("x.txt", b"x"),
            purpose="assistants",
            expires_after={"anchor": "created_at", "seconds": 3600},
        )
    assert refused.value.param == "expires_after"


def test_every_error_has_openais_format(client: OpenAI, address: str):
    headers = {"Authorization": f"Bearer {client.api_key}"}
    with httpx.Client(base_url=address, headers=headers) as plain:
        responses = [
            plain.get("/v1/nothing"),
            plain.put("/v1/models"),
            plain.post("/v1/embeddings", content=b"{", headers={"Content-Type": "application/json"}),
            plain.post("/v1/embeddings", content=b"x", headers={"Content-Type": "text/plain"}),
            plain.get("/v1/models", headers={"Authorization": "Bearer x"}),
        ]
    assert [response.status_code for response in responses] == [404, 405, 400, 415, 401]
    for response in responses:
        assert set(response.json()["error"]) == {"message", "type", "param", "code"}


def test_key_without_scope_is_refused(owner: Person, address: str):
    with make_client(owner, address, scopes=["knowledge:read"]) as reader:
        assert list(reader.files.list()) == []
        with pytest.raises(openai.PermissionDeniedError) as refused:
            reader.files.create(file=("x.txt", b"x"), purpose="assistants")
        assert refused.value.code == "scope_missing"
