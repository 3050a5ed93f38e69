"""Errors as problem documents of the REST API."""

from typing import Any

import pytest

from core.api.problems import problem
from engines.embedding import EmbeddingError
from engines.vectors import VectorStoreError


@pytest.mark.parametrize(
    ("kind", "code"),
    [(EmbeddingError, "embedding_unavailable"), (VectorStoreError, "vector_store_unavailable")],
)
def test_unavailable_engine_is_reported_without_its_address(kind, code):
    answer: Any = problem(kind(code, "No answer at /run/its.sock."), {})
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert answer.data["code"] == code
    assert "/run" not in str(answer.data)
