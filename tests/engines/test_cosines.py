"""What a model's cosines mean is known for built-in models, and measured for others."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import numpy as np
import pytest

from engines.embedding import BuiltInConfig, TextRole, Vectors, get_embedder
from engines.embedding.cosines import Cosines, cosines_of, measured_cosines
from knowledge.engine_config import embedder_configs

BUILT_IN = [config for config in embedder_configs().values() if isinstance(config, BuiltInConfig)]


@pytest.mark.parametrize("config", BUILT_IN, ids=lambda config: config.name)
def test_what_is_known_of_built_in_models_is_what_is_measured(config: BuiltInConfig) -> None:
    embedder = get_embedder(config)
    assert measured_cosines(embedder) == pytest.approx(cosines_of(embedder), abs=0.01)


def test_another_model_is_measured_once() -> None:
    """A model whose cosines are all near 1, as those of many models are."""
    original, calls = get_embedder(BUILT_IN[0]), list[TextRole]()

    class Narrow:
        model, max_tokens, dimensions = "narrow", 256, original.dimensions + 1
        languages: frozenset[str] | None = None

        def embed(self, tenant_id: UUID, texts: Sequence[str], role: TextRole) -> Vectors:
            calls.append(role)
            vectors = original.embed(tenant_id, texts, role) * 0.5
            return np.column_stack([vectors, np.full(len(vectors), 0.75**0.5, np.float32)])

        def count_tokens(self, texts: Sequence[str]) -> list[int]:
            return original.count_tokens(texts)

        def token_starts(self, text: str) -> list[int]:
            return original.token_starts(text)

    embedder = Narrow()
    cosines = cosines_of(embedder)
    assert cosines_of(embedder) is cosines
    assert calls == [TextRole.QUESTION, TextRole.PASSAGE]
    known = cosines_of(original)
    for cosine in (0.0, 0.3, 0.7):
        assert cosines.likeness(0.75 + 0.25 * cosine) == pytest.approx(known.likeness(cosine), abs=0.03)


def test_a_model_that_knows_no_difference_divides_by_no_zero() -> None:
    assert Cosines(1.0, 1.0).likeness(1.0) == 0
