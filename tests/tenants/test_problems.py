"""Errors, as the REST doors tell them."""

import pytest

from core.api.problems import problem
from engines.embedding import EmbeddingError
from engines.vectors import VectorStoreError


@pytest.mark.parametrize("kind", [EmbeddingError, VectorStoreError])
def test_a_part_that_is_away_is_told_without_its_address(kind):
    answer = problem(kind("is_away", "No answer at /run/its.sock.", retryable=True), {})
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert answer.data["code"] == "is_away"
    assert "/run" not in str(answer.data)
