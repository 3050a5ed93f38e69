from __future__ import annotations

import pytest

from benchmarks.reports import Row
from tests.conftest import Person, make_owner


@pytest.fixture(scope="package")
def measured() -> list[Row]:
    """What the harness's tests measured, for the one report of all of them."""
    return []


@pytest.fixture(scope="module")
def module_owner(database: None) -> Person:
    return make_owner()
