"""docs/schema.md against both seeds and against the models."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

from tests.meta.er_diagram import columns, models
from tests.meta.seeds import FOLDER, read_seeds

TEXT = (settings.BASE_DIR / "docs" / "schema.md").read_text()
MAPPING = re.compile(r"^\| `(\w+\.\w+)` \| (A, B|A|B) \| `(\w+\.\w+)` \|", re.M)
ADDED = re.compile(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \|", re.M)
REPEATED = {"id", "tenant_id", "created_at", "updated_at", "deleted_at"}
needs_seeds = pytest.mark.skipif(
    not FOLDER.exists(), reason="the two seed schemas are not at ../shared/seeds"
)


def mapped() -> dict[str, tuple[str, str]]:
    """{seed column: (seeds, place)}"""
    return {column: (seeds, place) for column, seeds, place in MAPPING.findall(TEXT)}


def existing() -> set[str]:
    return {f"{table}.{column}" for table, found in columns().items() for column in found}


@needs_seeds
def test_every_column_of_both_seeds_has_a_place_and_no_other_is_named():
    a, b = read_seeds()
    assert (len(a.columns), len(b.columns)) == (38, 97)
    told = mapped()
    for seed in (a, b):
        assert {column for column, (seeds, _) in told.items() if seed.name in seeds} == seed.columns


def test_every_place_exists():
    assert {place for _, place in mapped().values()} - existing() == set()


@needs_seeds
def test_the_recommended_indexes_exist_under_their_names():
    a, _ = read_seeds()
    assert len(a.indexes) == 5
    assert a.indexes <= {index.name for model in models() for index in model._meta.indexes}


def test_every_other_column_is_told_of_as_an_addition():
    told = {
        f"{table}.{column}" for table, names in ADDED.findall(TEXT) for column in re.findall(r"\w+", names)
    }
    places = {place for _, place in mapped().values()}
    assert told & places == set()
    missing = existing() - places - told
    assert {column for column in missing if column.partition(".")[2] not in REPEATED} == set()
    assert told - existing() == set()
