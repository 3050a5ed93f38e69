"""The last of the harness's tests, by its name: what the others measured, told once."""

from __future__ import annotations

from benchmarks.reports import Row
from tests.proof.conftest import Report


def test_what_was_measured_is_reported(measured: list[Row], report: Report):
    if measured:
        report("api", measured)
