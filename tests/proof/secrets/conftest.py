from __future__ import annotations

import pytest

from benchmarks.reports import Row


@pytest.fixture(scope="package")
def measured() -> list[Row]:
    """What the harness's tests measured, for the one report of all of them."""
    return []
