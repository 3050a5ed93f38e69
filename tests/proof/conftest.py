"""The promises by which people choose OYL, each as a harness: small in the suite, long with `--long` (`make chaos` and its
like). Only a long run's figures are kept, in benchmarks/reports."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest

from benchmarks.reports import Row, save

Size = Callable[[int, int], int]
Report = Callable[[str, Sequence[Row]], None]


@pytest.fixture(scope="session")
def size(request: pytest.FixtureRequest) -> Size:
    """`size(30, 1000)`: how much of something, in the suite and in a long run."""
    return lambda small, long: long if request.config.getoption("--long") else small


@pytest.fixture
def report(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Report:
    """`report("chaos", rows)` prints a harness's figures; a long run keeps them, too."""

    def tell(name: str, rows: Sequence[Row]) -> None:
        with capsys.disabled():
            print(json.dumps({name: list(rows)}, ensure_ascii=False))
        if request.config.getoption("--long"):
            save(name, command=f"make {name}", rows=rows)

    return tell
