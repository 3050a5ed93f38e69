"""Runs of workflows by four workers, while workers and services are killed again and again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.proof.chaos import own_instance
from tests.proof.chaos.scale import SMALL
from tests.proof.conftest import Report

SMALL_RUNS = replace(SMALL, kills=30, documents=10, poison=0, lifetime=1.5)
LONG_RUNS = replace(
    SMALL_RUNS, kills=500, documents=300, lease=4.0, heartbeat=1.3, sweep=1.0, lifetime=4.0, drain=900.0
)
TIMEOUT_SECONDS = {SMALL_RUNS: 900, LONG_RUNS: 7200}


def test_kills_lose_no_run_and_repeat_no_effect_under_another_key(
    request: pytest.FixtureRequest, report: Report
) -> None:
    scale = LONG_RUNS if request.config.getoption("--long") else SMALL_RUNS
    results = own_instance.run("tests.proof.chaos.workflows", scale, timeout=TIMEOUT_SECONDS[scale])
    report("workflow-chaos", results["rows"])
    assert results["broken"] == []
