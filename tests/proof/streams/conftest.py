from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.reports import Row
from tests.conversations.conftest import desk, server
from tests.proof.conftest import Report

__all__ = ["desk", "server"]


@pytest.fixture(scope="session")
def measured(report: Report) -> Iterator[list[Row]]:
    """The figures of the harness's tests, reported after the last of them."""
    rows: list[Row] = []
    yield rows
    if rows:
        report("streams", rows)
