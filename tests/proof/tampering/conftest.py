from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.reports import Row
from tests.conftest import Person, make_owner
from tests.proof.conftest import Report


@pytest.fixture(scope="session")
def measured(report: Report) -> Iterator[list[Row]]:
    """The figures of the harness's tests, reported after the last of them."""
    rows: list[Row] = []
    yield rows
    if rows:
        report("tampering", rows)


@pytest.fixture(scope="module")
def module_owner(database: None) -> Person:
    return make_owner()
