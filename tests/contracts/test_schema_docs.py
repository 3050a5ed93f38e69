"""docs/schema.md against the models."""

from __future__ import annotations

from tests.contracts.er_diagram import columns
from tests.contracts.schema_docs import added, mapped

REPEATED = {"id", "tenant_id", "created_at", "updated_at", "deleted_at"}


def existing() -> set[str]:
    return {f"{table}.{column}" for table, found in columns().items() for column in found}


def test_every_place_exists():
    assert {place for _, place in mapped().values()} - existing() == set()


def test_every_other_column_is_documented_as_an_addition():
    places = {place for _, place in mapped().values()}
    assert added() & places == set()
    missing = existing() - places - added()
    assert {column for column in missing if column.partition(".")[2] not in REPEATED} == set()
    assert added() - existing() == set()
