"""The two seed schemas against docs/schema.md and the models."""

from __future__ import annotations

from tests.contracts.er_diagram import models
from tests.contracts.schema_docs import mapped
from tests.contracts.seeds import read_seeds


def test_every_seed_column_has_a_place():
    a, b = read_seeds()
    assert (len(a.columns), len(b.columns)) == (38, 97)
    documented = mapped()
    for seed in (a, b):
        assert {column for column, (seeds, _) in documented.items() if seed.name in seeds} == seed.columns


def test_recommended_indexes_exist_under_their_names():
    a, _ = read_seeds()
    assert len(a.indexes) == 5
    assert a.indexes <= {index.name for model in models() for index in model._meta.indexes}
