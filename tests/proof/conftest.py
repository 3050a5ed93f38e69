"""The harnesses, which prove what OYL promises: small in the suite, long with `--long` (`make chaos` and the other
targets). Only a long run saves its figures, in benchmarks/reports."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest
from _pytest.capture import CaptureManager

from benchmarks.reports import Row, save

Size = Callable[[int, int], int]
Report = Callable[[str, Sequence[Row]], None]


@pytest.fixture(scope="session")
def size(request: pytest.FixtureRequest) -> Size:
    """`size(30, 1000)` returns 30 in the suite and 1000 in a long run."""
    return lambda small, long: long if request.config.getoption("--long") else small


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Report:
    """`report("chaos", rows)` prints a harness's figures; a long run saves them, too."""
    capture: CaptureManager = request.config.pluginmanager.getplugin("capturemanager")

    def print_and_save(name: str, rows: Sequence[Row]) -> None:
        with capture.global_and_fixture_disabled():
            print(json.dumps({name: list(rows)}, ensure_ascii=False))
        if request.config.getoption("--long"):
            save(name, command=f"make {name}", rows=rows)

    return print_and_save
